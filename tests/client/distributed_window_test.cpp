// window() and pluck() of distributed streams: what they make is what those of local streams make.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <map>
#include <penstock/penstock.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/client/local_cluster_case.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// With infinities, and numbers whose sums lose everything without compensation.
std::vector<Trade> trades(int count) {
  std::mt19937 random(7);
  std::vector<Trade> made;
  for (int i = 0; i < count; ++i) {
    double price = std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 80) - 40);
    if (i % 23 == 7) price = std::nan("");
    if (i % 31 == 3) price = HUGE_VAL;
    made.push_back({std::string(1, static_cast<char>('a' + random() % 3)), price, static_cast<int>(random() % 9)});
  }
  return made;
}

// Keeps the order of the elements, and which of them it is.
struct Path {
  std::string of(const Trade& trade) const { return trade.symbol; }
  std::string combine(const std::string& older, const std::string& newer) const { return older + newer; }
  std::string result(const std::string& all) const { return all; }
};

// One number of so many, so that all aggregates have one type.
template <class Windows>
auto bits(const Windows& made) {
  return made.map([](auto x) {
    if constexpr (std::is_same_v<decltype(x), double>) return std::bit_cast<std::uint64_t>(x);
    else return static_cast<std::uint64_t>(x);
  });
}

// Of a local stream as well as of a distributed one.
auto unkeyed(const auto& s) {
  const auto of = [](const auto& window) {
    return std::vector{bits(window.count()).gather().sink_to_vector(),
                       bits(window.sum(&Trade::price)).gather().sink_to_vector(),
                       bits(window.sum(&Trade::size)).gather().sink_to_vector(),
                       bits(window.mean([](const Trade& t) { return t.price * t.size; })).gather().sink_to_vector(),
                       bits(window.mean(&Trade::value)).gather().sink_to_vector(),
                       bits(window.min(&Trade::price)).gather().sink_to_vector(),
                       bits(window.max(&Trade::size)).gather().sink_to_vector(),
                       bits(window.variance(&Trade::price, {.ddof = 0})).gather().sink_to_vector(),
                       bits(window.standard_deviation(&Trade::size)).gather().sink_to_vector(),
                       bits(window.quantile(0.3, &Trade::price)).gather().sink_to_vector()};
  };
  auto all = of(s.window(7));
  auto timed = of(s.window(1h, {.limit = 5}));
  all.insert(all.end(), timed.begin(), timed.end());
  return all;
}

auto keyed(const auto& s) {
  return std::tuple(s.window(3).by(&Trade::symbol).mean(&Trade::size).gather().sink_to_vector(),
                    s.window(1h).by(&Trade::symbol, {.max_keys = 2}).count().gather().sink_to_vector(),
                    s.window(5).by([](const Trade& t) { return t.size % 2; }).quantile(0.5, &Trade::size).gather()
                        .sink_to_vector(),
                    s.window(4).aggregate(Path()).gather().sink_to_vector(),
                    s.window(2).by(&Trade::size).aggregate(Path()).gather().sink_to_vector());
}

struct DistributedWindows : testing::Test {
  Client client = Client::local({.workers = 2, .threads = 2, .dashboard = false});
};

TEST_F(DistributedWindows, MakeWhatLocalOnesMake) {
  Stream<Trade> source;
  const auto here = unkeyed(source);
  const auto there = unkeyed(source.scatter(client));
  for (const auto& trade : trades(200)) source.emit(trade);
  source.drain();
  ASSERT_EQ(here.size(), there.size());
  for (std::size_t i = 0; i < here.size(); ++i) {
    EXPECT_EQ(there[i].values().size(), 200u);
    EXPECT_EQ(there[i].values(), here[i].values()) << i;
  }
}

TEST_F(DistributedWindows, MakeWhatLocalOnesMakeForEachKey) {
  Stream<Trade> source;
  const auto here = keyed(source);
  const auto there = keyed(source.scatter(client));
  for (const auto& trade : trades(200)) source.emit(trade);
  source.drain();
  EXPECT_EQ(std::get<0>(there).values(), std::get<0>(here).values());
  EXPECT_EQ(std::get<1>(there).values(), std::get<1>(here).values());
  EXPECT_EQ(std::get<2>(there).values(), std::get<2>(here).values());
  EXPECT_EQ(std::get<3>(there).values(), std::get<3>(here).values());
  EXPECT_EQ(std::get<4>(there).values(), std::get<4>(here).values());
}

TEST_F(DistributedWindows, OverTimeForgetWhatIsTooOld) {
  Stream<int> source;
  auto out = source.scatter(client).window(1ns).sum().gather().sink_to_vector();
  for (int x = 1; x <= 3; ++x) {
    source.emit(x);
    source.drain();
  }
  EXPECT_THAT(out.values(), ElementsAre(1, 2, 3));
}

TEST_F(DistributedWindows, RefuseWhatLocalOnesRefuse) {
  const DistributedStream<int> s(client);
  EXPECT_THROW(s.window(0), Error);
  EXPECT_THROW(s.window(0s), Error);
  EXPECT_THROW(s.window(2).quantile(1.5), Error);
  EXPECT_THROW(s.window(2).by(std::identity(), {.max_keys = 0}), Error);
}

TEST_F(DistributedWindows, LeaveOutWhatFailed) {
  Stream<Failure> failures;
  std::vector<std::string> texts;
  failures.sink([&](const Failure& failure) {
    try {
      std::rethrow_exception(failure.error);
    } catch (const std::exception& error) {
      texts.emplace_back(error.what());
    }
  });
  struct Careful : aggregates::Sum {
    std::int64_t of(int x) const {
      if (x == 3) throw std::runtime_error("no threes");
      return x;
    }
    std::int64_t combine(std::int64_t a, std::int64_t b) const { return a + b; }
    std::int64_t result(std::int64_t sum) const { return sum; }
  };
  Stream<int> source;
  auto sums = source.scatter(client)
                  .map([](int x) {
                    if (x == 2) throw std::runtime_error("no twos");
                    return x;
                  })
                  .window(10)
                  .aggregate(Careful(), [](int x) {
                    if (x == 4) throw std::runtime_error("no fours");
                    return x;
                  })
                  .gather()
                  .on_error(ErrorPolicy::dead_letter(failures))
                  .sink_to_vector();
  for (int x = 1; x <= 6; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(sums.values(), ElementsAre(1, 6, 12));
  EXPECT_THAT(texts, ElementsAre(HasSubstr("no twos"), HasSubstr("no threes"), HasSubstr("no fours")));
}

TEST_F(DistributedWindows, HoldTheTokensOfTheirElements) {
  std::vector<int> released;
  Stream<int> source;
  const auto sums = source.scatter(client).window(2).sum().gather();
  std::vector<std::pair<std::int64_t, std::vector<int>>> seen;  // a sum, and who was released before
  sums.sink([&](std::int64_t sum) { seen.emplace_back(sum, released); });
  for (int x = 1; x <= 3; ++x) {
    source.emit(x, Token([&released, x] { released.push_back(x); }));
    source.drain();
  }
  // The first is in no window any more when the third one is there.
  EXPECT_THAT(seen, ElementsAre(std::pair(1, std::vector<int>{}), std::pair(3, std::vector<int>{}),
                                std::pair(5, std::vector<int>{1})));
  EXPECT_THAT(released, ElementsAre(1));
  source.close();
  source.drain();
  EXPECT_THAT(released, ElementsAre(1, 2, 3));
}

TEST_F(DistributedWindows, MayBeLargerThanTheStreamsOwn) {
  Stream<int> source;
  auto counts = source.scatter(client, {.window = 2}).window(50).count().gather().sink_to_vector();
  for (int x = 0; x < 60; ++x) source.emit(x);
  source.drain();
  EXPECT_EQ(counts.values().back(), 50u);
}

TEST_F(DistributedWindows, TakeTheirPlaceBehindFiltersAndInFrontOfMaps) {
  Stream<int> source;
  auto out = source.scatter(client)
                 .filter([](int x) { return x % 2 == 0; })
                 .window(2)
                 .sum()
                 .map([](std::int64_t sum) { return 10 * sum; })
                 .gather()
                 .sink_to_vector();
  for (int x = 1; x <= 6; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(20, 60, 100));
}

TEST(DistributedWindowsOnProcesses, AreTheSameWhenAWorkerDiesInTheMiddle) {
  const auto client = Client::local(
      {.mode = LocalOptions::Workers::kProcesses, .workers = 2, .threads = 2, .dashboard = false});
  const auto process = [](int x) { return std::pair(x, static_cast<int>(getpid())); };
  Stream<int> source;
  auto here = bits(source.window(20).variance()).sink_to_vector();
  std::vector<int> processes;
  const auto numbers = source.scatter(client).map(process);
  numbers.pluck<1>().gather().sink([&](int worker) { processes.push_back(worker); });
  auto there = bits(numbers.window(20).variance([](const std::pair<int, int>& made) { return made.first; }))
                   .gather()
                   .sink_to_vector();
  for (int x = 0; x < 300; ++x) {
    source.emit(x * x);
    if (x % 100 != 50) continue;
    source.drain();
    kill(processes.back(), SIGKILL);
  }
  source.drain();
  EXPECT_EQ(there.values(), here.values());
}

// ---- pluck ---------------------------------------------------------------------------------------

struct Shape {
  std::string name;
  int width = 0;
  int height = 0;

  int area() const { return width * height; }
  virtual ~Shape() = default;
  virtual const std::string& text() const { return name; }
  static auto penstock_fields(auto& shape) { return std::tie(shape.name, shape.width, shape.height); }
};

TEST_F(DistributedWindows, PluckTakesMembersAndWhatTheyReturn) {
  Stream<Shape> source;
  const auto shapes = source.scatter(client);
  auto widths = shapes.pluck(&Shape::width).gather().sink_to_vector();
  auto areas = shapes.pluck(&Shape::area).gather().sink_to_vector();
  auto several = shapes.pluck(&Shape::text, &Shape::height, &Shape::area).gather().sink_to_vector();
  auto mapped = shapes.map(&Shape::area).gather().sink_to_vector();
  auto distinct = shapes.unique({}, &Shape::name).map(&Shape::width).gather().sink_to_vector();
  for (const int width : {2, 3}) {
    Shape shape;
    shape.name = "box";
    shape.width = width;
    shape.height = 10;
    source.emit(shape);
  }
  source.drain();
  EXPECT_THAT(widths.values(), ElementsAre(2, 3));
  EXPECT_THAT(areas.values(), ElementsAre(20, 30));
  EXPECT_THAT(several.values(), ElementsAre(std::tuple("box", 10, 20), std::tuple("box", 10, 30)));
  EXPECT_EQ(mapped.values(), areas.values());
  EXPECT_THAT(distinct.values(), ElementsAre(2));
}

TEST_F(DistributedWindows, PluckTakesIndicesAndKeys) {
  Stream<std::vector<int>> vectors;
  auto items = vectors.scatter(client).pluck(2, 0).gather().on_error(ErrorPolicy::skip()).sink_to_vector();
  vectors.emit({1, 2, 3});
  vectors.emit({1});  // std::out_of_range
  vectors.drain();
  EXPECT_THAT(items.values(), ElementsAre(std::tuple(3, 1)));

  Stream<std::map<std::string, double>> maps;
  auto prices = maps.scatter(client).pluck("price").gather();
  auto values = prices.sink_to_vector();
  maps.emit({{"price", 1.5}, {"size", 2}});
  maps.drain();
  maps.emit({});
  EXPECT_THAT([&] { maps.drain(); }, testing::ThrowsMessage<TaskRaised>(HasSubstr("no such key (pluck")));
  EXPECT_THAT(values.values(), ElementsAre(1.5));
}

// ---- the others ----------------------------------------------------------------------------------

TEST_F(DistributedWindows, SourcesTakeTokensAndOperatorsOfOnesOwn) {
  const DistributedStream<int> source(client);
  auto out = source.pipe([](const auto& s) { return s.map([](int x) { return x + 1; }); }).gather().sink_to_vector();
  int released = 0;
  source.emit(1, Token([&] { ++released; }));
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(2));
  EXPECT_EQ(released, 1);
}

}  // namespace
}  // namespace penstock
