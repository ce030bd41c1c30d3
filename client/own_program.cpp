#include "client/own_program.hpp"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "penstock/detail/module.hpp"
#include "proto/limits.hpp"
#include "proto/sha256.hpp"

namespace penstock::client {
namespace {

// At most so many; fewer at the end only.
absl::StatusOr<std::string> read_at(int fd, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = pread(fd, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "reading this program's file");
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OwnProgram>> OwnProgram::open() {
  const int fd = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "this program cannot be uploaded: opening its file");
  std::unique_ptr<OwnProgram> program(new OwnProgram(fd));
  if (absl::Status status = program->look(); !status.ok()) return status;
  return program;
}

OwnProgram::~OwnProgram() { close(fd_); }

absl::Status OwnProgram::look() {
  // The program's entry lies in the program itself, whichever library this code may lie in.
  const auto module = detail::module_of(reinterpret_cast<const void*>(getauxval(AT_ENTRY)));
  if (!module || module->build_id.empty()) {
    return absl::FailedPreconditionError(
        "this program cannot be uploaded: module has no build-id; link with -Wl,--build-id.");
  }
  proto_sha256::Sha256 sum;
  std::uint64_t size = 0;
  while (true) {
    absl::StatusOr<std::string> bytes = read_at(fd_, size, proto_limits::kProgramPieceBytes);
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) break;
    sum.add(*bytes);
    size += bytes->size();
  }
  offer_.set_sha256(sum.finish());
  offer_.set_size(size);
  offer_.set_build_id(module->build_id);
  offer_.set_name(module->name);
  return absl::OkStatus();
}

void OwnProgram::send(const std::string& sha256) {
  if (sha256 != offer_.sha256()) return;
  sending_ = true;
  offset_ = 0;
}

bool OwnProgram::fill(v1::ProgramPiece& piece) {
  if (!sending_) return false;
  const std::uint64_t left = offer_.size() - offset_;
  absl::StatusOr<std::string> bytes =
      read_at(fd_, offset_, static_cast<std::size_t>(std::min<std::uint64_t>(left, proto_limits::kProgramPieceBytes)));
  piece.set_sha256(offer_.sha256());
  piece.set_offset(offset_);
  if (bytes.ok() && !bytes->empty()) {
    offset_ += bytes->size();
    piece.set_bytes(*std::move(bytes));
    sending_ = offset_ < offer_.size();
  } else {
    piece.set_failure(bytes.ok() ? "its file has become shorter" : std::string(bytes.status().message()));
    sending_ = false;
  }
  return true;
}

}  // namespace penstock::client
