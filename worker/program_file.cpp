#include "worker/program_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U  // newer than the C library: systems may be set up to execute no memory without it
#endif

namespace penstock::worker {
namespace {

std::string path_of(int fd) { return absl::StrCat("/proc/self/fd/", fd); }

bool is_executable(int fd) { return access(path_of(fd).c_str(), X_OK) == 0; }

// -1: this system executes no memory.
int in_memory(const std::string& name) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = memfd_create(name.c_str(), kFlags | MFD_EXEC);
  if (fd < 0 && errno == EINVAL) fd = memfd_create(name.c_str(), kFlags);  // older than that flag
  if (fd < 0 || is_executable(fd)) return fd;
  close(fd);
  errno = EACCES;
  return -1;
}

int on_disk() {
  const char* folder = std::getenv("TMPDIR");
  return open(folder != nullptr ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR | S_IXUSR);
}

}  // namespace

absl::StatusOr<ProgramFile> ProgramFile::create(const std::string& name) {
  const int fd = in_memory(name.substr(0, 200));
  if (fd < 0) return create_on_disk();
  return ProgramFile(fd);
}

absl::StatusOr<ProgramFile> ProgramFile::create_on_disk() {
  const int fd = on_disk();
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot make a file for the program");
  return ProgramFile(fd);
}

ProgramFile::ProgramFile(ProgramFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

ProgramFile::~ProgramFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status ProgramFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return absl::ErrnoToStatus(errno, "cannot keep the program");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status ProgramFile::seal() {
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (fcntl(fd_, F_ADD_SEALS, kSeals) == 0) return absl::OkStatus();
  // A file on a disk: what somebody may write to is not executed.
  const int readable = open(path_of(fd_).c_str(), O_RDONLY | O_CLOEXEC);
  if (readable < 0) return absl::ErrnoToStatus(errno, "cannot open the program again");
  close(std::exchange(fd_, readable));
  if (is_executable(fd_)) return absl::OkStatus();
  return absl::FailedPreconditionError("this machine executes neither memory nor temporary files");
}

std::string ProgramFile::path() const { return path_of(fd_); }

}  // namespace penstock::worker
