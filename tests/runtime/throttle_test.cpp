#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

class Throttle : public ::testing::Test {
 protected:
  auto note() {
    return [this](int x) { out.emplace_back(loop.elapsed(), x); };
  }
  static std::pair<Duration, int> at(Duration time, int x) { return {time, x}; }

  VirtualLoop loop;
  Stream<int> source{loop};
  std::vector<std::pair<Duration, int>> out;
};

TEST_F(Throttle, PassesTheFirstAtOnceAndDropsTheOthersOfItsInterval) {
  source.throttle(1s).sink(note());
  for (int x = 0; x < 8; ++x) {
    source.emit(x);
    loop.advance(400ms);
  }
  EXPECT_THAT(out, ElementsAre(at(0s, 0), at(1200ms, 3), at(2400ms, 6)));
}

TEST_F(Throttle, PassesAnElementThatComesRightAfterTheInterval) {
  source.throttle(1s).sink(note());
  for (int x = 0; x < 3; ++x) {
    source.emit(x);
    loop.advance(1s);
  }
  EXPECT_EQ(out.size(), 3u);
}

TEST_F(Throttle, OfNothingPassesEverything) {
  source.throttle(0s).sink(note());
  for (int x = 0; x < 3; ++x) source.emit(x);
  EXPECT_EQ(out.size(), 3u);
}

TEST_F(Throttle, RefusesANegativeInterval) { EXPECT_THROW(source.throttle(-1s), Error); }

TEST_F(Throttle, KeepsBackPressureForWhatPasses) {
  source.throttle(1s).sink([this](int x) -> asio::awaitable<void> {
    co_await pass_time(loop, 3s);
    note()(x);
  });
  for (int x = 0; x < 3; ++x) source.emit(x);
  EXPECT_THAT(out, ElementsAre(at(3s, 0), at(6s, 1), at(9s, 2)));
}

TEST_F(Throttle, ReleasesTheTokenOfWhatItDropsAtOnce) {
  Tokens tokens;
  source.throttle(1s).partition(9).sink([](const std::vector<int>&) {});
  for (int x = 0; x < 3; ++x) source.emit(x, tokens(x));
  EXPECT_THAT(tokens.released(), ElementsAre(1, 2));
  source.close();  // before the tokens go
}

TEST_F(Throttle, EndsAtOnceAndFlushesWhatIsBehindIt) {
  auto batches = source.throttle(1s).partition(5).sink_to_vector();
  for (int x = 0; x < 3; ++x) source.emit(x);
  source.close();
  EXPECT_THAT(batches.values(), ElementsAre(ElementsAre(0)));
  EXPECT_EQ(loop.elapsed(), 0s);
}

TEST_F(Throttle, RaisesWhatIsRaisedBehindIt) {
  source.throttle(1s).sink([](int) { throw std::runtime_error("sink"); });
  EXPECT_THROW(source.emit(1), std::runtime_error);
  EXPECT_NO_THROW(source.emit(2));
}

}  // namespace
}  // namespace penstock
