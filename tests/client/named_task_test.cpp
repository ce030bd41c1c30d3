// Tasks that are known by their names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <penstock/penstock.hpp>

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

struct Quote {
  std::string symbol;
  double bid = 0, ask = 0;
};

double spread(const Quote& quote) { return quote.ask - quote.bid; }
std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}
int answer() { return 42; }

PENSTOCK_TASK(spread)
PENSTOCK_TASK_AS("text.repeat", repeat)
PENSTOCK_TASK(answer)

struct NamedTasks : testing::Test {
  Client client = Client::local(
      {.mode = LocalOptions::Workers::kThreads, .workers = 1, .dashboard = false});
};

TEST_F(NamedTasks, AreCalledWithTheirArguments) {
  EXPECT_EQ(client.submit(remote<std::string(std::string, int)>("text.repeat"), "ab", 3).get(), "ababab");
  EXPECT_EQ(client.submit(remote<double(Quote)>("spread"), Quote{"X", 1.5, 2}).get(), 0.5);
  EXPECT_EQ(client.submit(remote<int()>("answer")).get(), 42);
}

TEST_F(NamedTasks, TakeFutures) {
  const auto times = client.submit(remote<int()>("answer"));
  EXPECT_EQ(client.submit(remote<std::string(std::string, int)>("text.repeat"), "x", times).get(),
            std::string(42, 'x'));
}

TEST_F(NamedTasks, AreMapsOfAStreamAndFuseWithOthers) {
  Stream<Quote> source;
  auto out = source.scatter(client)
                 .map(remote<double(Quote)>("spread"))
                 .map([](double x) { return 10 * x; })
                 .gather()
                 .sink_to_vector();
  source.emit({"A", 1, 3});
  source.emit({"B", 2, 2.5});
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(20, 5));
}

TEST_F(NamedTasks, OfOtherTypesAreRefusedWithBoth) {
  EXPECT_THAT([&] { client.submit(remote<int(Quote)>("spread"), Quote{}).get(); },
              testing::ThrowsMessage<BadArguments>(HasSubstr("task 'spread' has a different signature on this worker: "
                                                             "caller ({s;f8;f8;},)->i4, worker ({s;f8;f8;},)->f8")));
}

TEST_F(NamedTasks, NamesHaveALength) {
  EXPECT_THROW(remote<int()>(""), Error);
  EXPECT_THROW(remote<int()>(std::string(201, 'x')), Error);
}

}  // namespace
}  // namespace penstock
