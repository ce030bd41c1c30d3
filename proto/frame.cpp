#include "proto/frame.hpp"

#include <algorithm>
#include <memory>

namespace penstock::proto_frame {
namespace {

// Payloads up to this size are copied: a reference costs an allocation and its own entry in each
// system call, and keeps alive all of the memory that was read together with it.
constexpr std::size_t kMostCopied = 1024;

// Wire types of protobuf's encoding.
enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kDelimited = 2, kFixed32 = 5 };

constexpr std::uint64_t tag_of(std::uint32_t field) { return field << 3 | kDelimited; }

constexpr std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

void append_varint(std::uint64_t value, std::string& to) {
  while (value >= 0x80) {
    to.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  to.push_back(static_cast<char>(value));
}

// A slice of bytes that `owner` keeps alive and in place.
template <class Owner>
grpc::Slice slice_of(const char* data, std::size_t size, std::unique_ptr<Owner> owner) {
  return {const_cast<char*>(data), size, [](void* kept) { delete static_cast<Owner*>(kept); },
          owner.release()};
}

}  // namespace

// ---- writing ------------------------------------------------------------------------------------

void FrameWriter::add_message(const google::protobuf::MessageLite& message) {
  message.AppendToString(&open_);
}

void FrameWriter::add_item(std::uint32_t field, const google::protobuf::MessageLite& item,
                           std::uint32_t payload_field, const absl::Cord& payload) {
  const std::size_t fields = item.ByteSizeLong();
  std::size_t size = fields;
  if (!payload.empty()) {
    size += varint_size(tag_of(payload_field)) + varint_size(payload.size()) + payload.size();
  }
  append_varint(tag_of(field), open_);
  append_varint(size, open_);
  const std::size_t end = open_.size();
  open_.resize(end + fields);
  item.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(open_.data() + end));
  if (payload.empty()) return;
  append_varint(tag_of(payload_field), open_);
  append_varint(payload.size(), open_);
  add_payload(payload);
}

void FrameWriter::add_payload(const absl::Cord& payload) {
  if (payload.size() <= kMostCopied) {
    for (const absl::string_view chunk : payload.Chunks()) open_.append(chunk.data(), chunk.size());
    return;
  }
  seal();
  for (const absl::string_view chunk : payload.Chunks()) {
    slices_.push_back(slice_of(chunk.data(), chunk.size(), std::make_unique<absl::Cord>(payload)));
  }
}

void FrameWriter::seal() {
  if (open_.empty()) return;
  auto bytes = std::make_unique<std::string>(std::move(open_));
  open_.clear();
  const char* const data = bytes->data();
  const std::size_t size = bytes->size();
  slices_.push_back(slice_of(data, size, std::move(bytes)));
}

grpc::ByteBuffer FrameWriter::finish() {
  seal();
  if (slices_.empty()) slices_.emplace_back();  // an empty message is a message too
  return {slices_.data(), slices_.size()};
}

// ---- reading ------------------------------------------------------------------------------------

FrameReader::FrameReader(const grpc::ByteBuffer& buffer) {
  if (!buffer.Dump(&slices_).ok()) slices_.clear();
  std::erase_if(slices_, [](const grpc::Slice& slice) { return slice.size() == 0; });
  for (const grpc::Slice& slice : slices_) left_ += slice.size();
}

void FrameReader::advance(std::size_t length) {
  offset_ += length;
  left_ -= length;
  if (offset_ == slices_[slice_].size()) {
    ++slice_;
    offset_ = 0;
  }
}

// Protobuf keeps 32 bits of a tag: a longer one would be another field to it than to us.
bool FrameReader::read_tag(std::uint64_t& tag) { return read_varint(tag) && tag <= 0xffffffffu; }

bool FrameReader::read_varint(std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (left_ == 0) return false;
    const auto byte = static_cast<unsigned char>(*here());
    advance(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool FrameReader::read_length(std::size_t& length) {
  std::uint64_t value = 0;
  if (!read_varint(value) || value > left_) return false;
  length = static_cast<std::size_t>(value);
  return true;
}

bool FrameReader::copy(std::size_t length, std::string& to) {
  if (length > left_) return false;
  while (length > 0) {
    const std::size_t piece = std::min(length, contiguous());
    to.append(here(), piece);
    advance(piece);
    length -= piece;
  }
  return true;
}

// The field behind a tag, tag included.
bool FrameReader::copy_field(std::uint64_t tag, std::string& to) {
  append_varint(tag, to);
  std::uint64_t value = 0;
  std::size_t length = 0;
  switch (tag & 7) {
    case kVarint:
      if (!read_varint(value)) return false;
      append_varint(value, to);
      return true;
    case kFixed64: return copy(8, to);
    case kFixed32: return copy(4, to);
    case kDelimited:
      if (!read_length(length)) return false;
      append_varint(length, to);
      return copy(length, to);
    default: return false;  // groups are not in use
  }
}

bool FrameReader::refer(std::size_t length, absl::Cord& to) {
  if (length > left_) return false;
  const bool copied = length <= kMostCopied;
  while (length > 0) {
    const std::size_t piece = std::min(length, contiguous());
    const absl::string_view bytes(here(), piece);
    // A slice of a few bytes has them within itself: they do not stay where they are.
    if (copied || piece <= kMostCopied) {
      to.Append(bytes);
    } else {
      to.Append(absl::MakeCordFromExternal(bytes, [kept = slices_[slice_]] {}));
    }
    advance(piece);
    length -= piece;
  }
  return true;
}

bool FrameReader::next(std::uint32_t item_field, bool& is_item) {
  std::uint64_t tag = 0;
  if (!read_tag(tag)) return false;
  is_item = tag == tag_of(item_field);
  return is_item || copy_field(tag, rest_);
}

bool FrameReader::read_item(std::uint32_t payload_field, google::protobuf::MessageLite& message,
                            std::string& inline_payload, absl::Cord& payload) {
  std::size_t length = 0;
  if (!read_length(length)) return false;
  if (length == 0) return true;
  if (length <= kMostCopied && length <= contiguous()) {
    if (!message.ParseFromArray(here(), static_cast<int>(length))) return false;
    advance(length);
    payload = absl::Cord(inline_payload);
    inline_payload.clear();
    return true;
  }
  fields_.clear();
  const std::size_t end = left_ - length;
  while (left_ > end) {
    std::uint64_t tag = 0;
    if (!read_tag(tag)) return false;
    if (tag != tag_of(payload_field)) {
      if (!copy_field(tag, fields_)) return false;
      continue;
    }
    payload.Clear();
    if (!read_length(length) || length > left_ - std::min(left_, end) || !refer(length, payload)) {
      return false;
    }
  }
  return left_ == end && message.ParseFromString(fields_);
}

}  // namespace penstock::proto_frame
