// Batches on their way to and from gRPC, with the payloads of their items - inputs and values - held
// apart from the messages, as ropes.
//
// On the wire a batch is exactly its message in cluster.proto. In memory, protobuf would copy each
// payload into a string of the message and out of it again at every hop. Here a large payload is
// sent as a reference to the caller's bytes, and received as a reference to the bytes that gRPC read,
// so that the scheduler passes it on without touching it.
#pragma once

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "cluster.pb.h"

namespace penstock::proto_frame {

// Which field of a batch repeats items, and which field of an item is its payload.
template <class Batch>
struct Items;

template <>
struct Items<v1::ClientBatch> {
  static constexpr std::uint32_t kField = v1::ClientBatch::kSubmitsFieldNumber;
  static constexpr std::uint32_t kPayload = v1::Submit::kInputFieldNumber;
  static auto& of(v1::ClientBatch& batch) { return *batch.mutable_submits(); }
  static std::string& payload(v1::Submit& item) { return *item.mutable_input(); }
};

template <>
struct Items<v1::ClientInbox> {
  static constexpr std::uint32_t kField = v1::ClientInbox::kOutcomesFieldNumber;
  static constexpr std::uint32_t kPayload = v1::Outcome::kValueFieldNumber;
  static auto& of(v1::ClientInbox& batch) { return *batch.mutable_outcomes(); }
  static std::string& payload(v1::Outcome& item) { return *item.mutable_value(); }
};

template <>
struct Items<v1::WorkerBatch> {
  static constexpr std::uint32_t kField = v1::WorkerBatch::kDoneFieldNumber;
  static constexpr std::uint32_t kPayload = v1::TaskDone::kValueFieldNumber;
  static auto& of(v1::WorkerBatch& batch) { return *batch.mutable_done(); }
  static std::string& payload(v1::TaskDone& item) { return *item.mutable_value(); }
};

template <>
struct Items<v1::WorkerInbox> {
  static constexpr std::uint32_t kField = v1::WorkerInbox::kRunsFieldNumber;
  static constexpr std::uint32_t kPayload = v1::Run::kInputFieldNumber;
  static auto& of(v1::WorkerInbox& batch) { return *batch.mutable_runs(); }
  static std::string& payload(v1::Run& item) { return *item.mutable_input(); }
};

// payloads[i] belongs to the batch's i-th item, whose own payload field stays empty.
template <class Batch>
struct Frame {
  Batch batch;
  std::vector<absl::Cord> payloads;

  // Keeps its memory for the next use.
  void clear() {
    batch.Clear();
    payloads.clear();
  }
};

// Builds the bytes of a message: small pieces are copied together, large ones referred to.
class FrameWriter {
 public:
  void add_message(const google::protobuf::MessageLite& message);
  // As a field of the message under construction.
  void add_item(std::uint32_t field, const google::protobuf::MessageLite& item,
                std::uint32_t payload_field, const absl::Cord& payload);
  grpc::ByteBuffer finish();

 private:
  void add_payload(const absl::Cord& payload);
  void seal();

  std::string open_;  // what is copied together at the moment
  std::vector<grpc::Slice> slices_;
};

// Takes a message apart. Nothing here trusts the sender: each call returns false when the bytes cannot
// be what they should be, and is not called again then.
class FrameReader {
 public:
  // Refers to the buffer's bytes; payloads keep them alive.
  explicit FrameReader(const grpc::ByteBuffer& buffer);

  bool done() const { return left_ == 0; }
  // The next field, when it is one of the items; everything else is collected in rest().
  bool next(std::uint32_t item_field, bool& is_item);
  // The item that next() has found. `message` and `inline_payload` belong to one another.
  bool read_item(std::uint32_t payload_field, google::protobuf::MessageLite& message,
                 std::string& inline_payload, absl::Cord& payload);
  const std::string& rest() const { return rest_; }

 private:
  bool read_tag(std::uint64_t& tag);
  bool read_varint(std::uint64_t& value);
  bool read_length(std::size_t& length);
  bool copy(std::size_t length, std::string& to);
  bool copy_field(std::uint64_t tag, std::string& to);
  bool refer(std::size_t length, absl::Cord& to);
  void advance(std::size_t length);
  std::size_t contiguous() const { return slices_[slice_].size() - offset_; }
  const char* here() const {
    return reinterpret_cast<const char*>(slices_[slice_].begin()) + offset_;
  }

  std::vector<grpc::Slice> slices_;
  std::size_t slice_ = 0;   // the one that is read,
  std::size_t offset_ = 0;  // from here
  std::size_t left_ = 0;    // bytes of all slices
  std::string rest_;
  std::string fields_;  // of the item that is read, without the payload
};

// Leaves the frame as it was.
template <class Batch>
grpc::ByteBuffer encode(Frame<Batch>& frame) {
  FrameWriter writer;
  // A message is the sum of its fields: first all others, then the items one by one.
  std::remove_reference_t<decltype(Items<Batch>::of(frame.batch))> items;
  items.Swap(&Items<Batch>::of(frame.batch));
  writer.add_message(frame.batch);
  for (int i = 0; i < items.size(); ++i) {
    writer.add_item(Items<Batch>::kField, items[i], Items<Batch>::kPayload,
                    frame.payloads[static_cast<std::size_t>(i)]);
  }
  items.Swap(&Items<Batch>::of(frame.batch));
  return writer.finish();
}

// In place of what the frame held. False: the bytes are no such batch.
template <class Batch>
[[nodiscard]] bool decode(const grpc::ByteBuffer& buffer, Frame<Batch>& frame) {
  frame.clear();
  FrameReader reader(buffer);
  auto& items = Items<Batch>::of(frame.batch);
  while (!reader.done()) {
    bool is_item = false;
    if (!reader.next(Items<Batch>::kField, is_item)) return false;
    if (!is_item) continue;
    auto& item = *items.Add();
    if (!reader.read_item(Items<Batch>::kPayload, item, Items<Batch>::payload(item),
                          frame.payloads.emplace_back())) {
      return false;
    }
  }
  if (!reader.rest().empty() && !frame.batch.MergeFromString(reader.rest())) return false;
  return frame.payloads.size() == static_cast<std::size_t>(items.size());
}

}  // namespace penstock::proto_frame
