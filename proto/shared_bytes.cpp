#include "proto/shared_bytes.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"

namespace penstock::proto_values {
namespace {

// Closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

std::string link_target(const std::string& path) {
  char target[256];
  const ssize_t length = readlink(path.c_str(), target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<std::size_t>(length));
}

absl::StatusOr<Bytes> map_file(int descriptor, std::size_t size) {
  if (size == 0) return Bytes{};
  // Private, though nobody can write: kernels before 6.7 refuse a shared mapping of a sealed file that is open for
  // writing.
  void* const begin = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0);
  if (begin == MAP_FAILED) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot map ", size, " bytes: ", std::strerror(errno)));
  }
  std::shared_ptr<const void> owner(begin, [size](const void* mapped) {
    munmap(const_cast<void*>(mapped), size);
  });
  return Bytes{{static_cast<const char*>(begin), size}, std::move(owner)};
}

// Of shared bytes that there are.
std::atomic<std::size_t> descriptors_taken{0};

std::size_t most_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur / 3);
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

const std::string& this_machine() {
  static const std::string machine = [] {
    std::string boot;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
    return absl::StrCat(boot, " ", link_target("/proc/self/ns/pid"));
  }();
  return machine;
}

std::string unique_name() {
  static const std::uint64_t process = std::random_device{}() | std::uint64_t{std::random_device{}()} << 32;
  static std::atomic<std::uint64_t> last{0};
  return absl::StrCat("penstock-value-", absl::Hex(process), "-", ++last);
}

absl::StatusOr<std::shared_ptr<const SharedBytes>> SharedBytes::make(std::string_view bytes) {
  if (descriptors_taken >= most_descriptors()) {
    return absl::ResourceExhaustedError("this process shares as much as it has descriptors for");
  }
  std::string name = unique_name();
  Descriptor file(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.number() < 0 || !write_all(file.number(), bytes) ||
      fcntl(file.number(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot share ", bytes.size(), " bytes: ", std::strerror(errno)));
  }
  return std::shared_ptr<const SharedBytes>(new SharedBytes(file.release(), std::move(name), bytes.size()));
}

SharedBytes::SharedBytes(int descriptor, std::string name, std::size_t size)
    : descriptor_(descriptor), name_(std::move(name)), size_(size) {
  ++descriptors_taken;
}

SharedBytes::~SharedBytes() {
  close(descriptor_);
  --descriptors_taken;
}

absl::StatusOr<Bytes> SharedBytes::map() const { return map_file(descriptor_, size_); }

absl::StatusOr<Bytes> map_shared(std::uint32_t process, std::uint32_t descriptor, const std::string& name,
                                 std::size_t size) {
  const std::string path = absl::StrCat("/proc/", process, "/fd/", descriptor);
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // Of what was opened, not of the path: that may be another file by now.
  const std::string opened = link_target(absl::StrCat("/proc/self/fd/", file.number()));
  struct stat status {};
  if (file.number() < 0 || opened != absl::StrCat("/memfd:", name, " (deleted)") ||
      fstat(file.number(), &status) != 0 || static_cast<std::size_t>(status.st_size) != size) {
    return absl::NotFoundError(absl::StrCat("process ", process, " has no shared bytes named ", name));
  }
  return map_file(file.number(), size);
}

}  // namespace penstock::proto_values
