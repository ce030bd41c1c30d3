#include "proto/shared_bytes.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace penstock::proto_values {
namespace {

std::uint32_t self() { return static_cast<std::uint32_t>(getpid()); }

std::shared_ptr<const SharedBytes> make(std::string_view bytes) {
  auto made = SharedBytes::make(bytes);
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

absl::StatusOr<Bytes> map(const SharedBytes& bytes) {
  return map_shared(self(), static_cast<std::uint32_t>(bytes.descriptor()), bytes.name(), bytes.size());
}

TEST(SharedBytes, AreReadWithoutTheirOwner) {
  auto made = make("of this process");
  auto found = map(*made);
  auto own = made->map();
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_TRUE(own.ok()) << own.status();
  made.reset();
  EXPECT_EQ(found->view, "of this process");
  EXPECT_EQ(own->view, "of this process");
}

TEST(SharedBytes, MayBeNone) {
  const auto made = make("");
  ASSERT_TRUE(map(*made).ok());
  EXPECT_TRUE(map(*made)->view.empty());
  EXPECT_TRUE(made->map()->view.empty());
}

TEST(SharedBytes, AreManyAsWell) {
  std::string many(std::size_t{9} << 20, 'x');
  many.back() = 'y';
  const auto made = make(many);
  EXPECT_EQ(map(*made)->view, many);
}

TEST(SharedBytes, HaveNamesOfTheirOwn) { EXPECT_NE(make("a")->name(), make("a")->name()); }

TEST(SharedBytes, OfAnotherNameOrSizeAreNotThere) {
  const auto made = make("bytes");
  const auto number = static_cast<std::uint32_t>(made->descriptor());
  EXPECT_TRUE(absl::IsNotFound(map_shared(self(), number, made->name() + "1", 5).status()));
  EXPECT_TRUE(absl::IsNotFound(map_shared(self(), number, "", 5).status()));
  EXPECT_TRUE(absl::IsNotFound(map_shared(self(), number, made->name(), 4).status()));
  EXPECT_TRUE(absl::IsNotFound(map_shared(self(), number, made->name(), 6).status()));
}

TEST(SharedBytes, WhoseDescriptorIsUsedAgainAreNotThere) {
  auto old = make("old");
  const auto number = static_cast<std::uint32_t>(old->descriptor());
  const std::string name = old->name();
  old.reset();
  EXPECT_TRUE(absl::IsNotFound(map_shared(self(), number, name, 3).status()));
  const auto next = make("new");
  ASSERT_EQ(static_cast<std::uint32_t>(next->descriptor()), number);
  EXPECT_TRUE(absl::IsNotFound(map_shared(self(), number, name, 3).status()));
}

TEST(SharedBytes, AreNoOtherFile) {
  const int file = open("/proc/self/status", O_RDONLY);
  EXPECT_TRUE(absl::IsNotFound(
      map_shared(self(), static_cast<std::uint32_t>(file), "penstock-1-1", 0).status()));
  close(file);
}

TEST(SharedBytes, CannotBeWritten) {
  const auto made = make("fixed");
  const std::string path = "/proc/self/fd/" + std::to_string(made->descriptor());
  const int file = open(path.c_str(), O_RDWR);
  ASSERT_GE(file, 0);
  EXPECT_EQ(pwrite(file, "other", 5, 0), -1);
  EXPECT_NE(ftruncate(file, 1), 0);
  EXPECT_NE(ftruncate(file, 10), 0);
  EXPECT_EQ(mmap(nullptr, 5, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), MAP_FAILED);
  close(file);
  EXPECT_EQ(map(*made)->view, "fixed");
}

// A process that shares `bytes` until it is killed, and where they are.
class Sharer {
 public:
  explicit Sharer(std::string_view bytes) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_ = fork();
    if (pid_ == 0) {
      auto made = SharedBytes::make(bytes);
      Place place{};
      place.descriptor = (*made)->descriptor();
      std::strncpy(place.name, (*made)->name().c_str(), sizeof place.name - 1);
      if (write(ends[1], &place, sizeof place) != sizeof place) _exit(1);
      while (true) pause();
    }
    EXPECT_EQ(read(ends[0], &place_, sizeof place_), static_cast<ssize_t>(sizeof place_));
    close(ends[0]);
    close(ends[1]);
  }
  ~Sharer() { kill(); }

  absl::StatusOr<Bytes> map(std::size_t size) const {
    return map_shared(static_cast<std::uint32_t>(pid_), static_cast<std::uint32_t>(place_.descriptor),
                      place_.name, size);
  }
  void kill() {
    if (std::exchange(dead_, true)) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  struct Place {
    int descriptor;
    char name[64];
  };
  pid_t pid_ = 0;
  bool dead_ = false;
  Place place_{};
};

TEST(SharedBytes, OfAnotherProcessAreReadWithoutIt) {
  Sharer sharer("of the child");
  auto bytes = sharer.map(12);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->view, "of the child");
  sharer.kill();
  EXPECT_EQ(bytes->view, "of the child");
}

TEST(SharedBytes, OfADeadProcessAreNotThere) {
  Sharer sharer("of the child");
  ASSERT_TRUE(sharer.map(12).ok());
  sharer.kill();
  EXPECT_TRUE(absl::IsNotFound(sharer.map(12).status()));
}

}  // namespace
}  // namespace penstock::proto_values
