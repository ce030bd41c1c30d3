#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

TEST(SinkToVector, KeepsEveryElementInOrder) {
  Stream<std::string> source;
  auto out = source.sink_to_vector();
  EXPECT_THAT(out.values(), IsEmpty());
  source.emit("a");
  source.emit("b");
  EXPECT_THAT(out.values(), ElementsAre("a", "b"));
}

TEST(SinkToVector, CopiesOfItShareTheElements) {
  Stream<int> source;
  auto out = source.sink_to_vector();
  const auto copy = out;
  source.emit(1);
  EXPECT_THAT(copy.values(), ElementsAre(1));
}

TEST(SinkToVector, MayBeReadFromAnotherThreadWhileElementsArrive) {
  LoopThread thread;
  Stream<int> source(thread);
  auto out = source.sink_to_vector();
  std::thread reader([&out] {
    std::size_t last = 0;
    while (last < 1000) {
      const std::size_t size = out.values().size();
      EXPECT_GE(size, last);
      last = size;
    }
  });
  for (int x = 0; x < 1000; ++x) source.emit(x);
  reader.join();
  EXPECT_EQ(out.values().size(), 1000u);
}

TEST(SinkToVector, DropsAnElementThatCannotBeCopied) {
  Stream<ThrowsOnCopy> source;
  auto out = source.map([](const ThrowsOnCopy& x) { return x; }).sink_to_vector();
  const ThrowsOnCopy element(1);
  ThrowsOnCopy::copies_left = 3;  // into emit, out of the function, into the vector
  EXPECT_THROW(source.emit(element), std::runtime_error);
  EXPECT_EQ(ThrowsOnCopy::copies_left, 0);
  source.emit(element);
  EXPECT_EQ(out.values().size(), 1u);
}

}  // namespace
}  // namespace penstock
