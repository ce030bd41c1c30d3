#include "worker/value_store.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace penstock::worker {
namespace {

constexpr ClientId kAnn{1};
constexpr ClientId kBob{2};

ValueName name(std::uint64_t task, std::uint32_t attempt = 1) { return {TaskId{task}, attempt}; }

std::string text(const ValueStore::Value& value) {
  if (!value) return "nothing";
  const auto bytes = value->bytes();
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return std::string(bytes->view);
}

class Values : public ::testing::Test {
 protected:
  void SetUp() override { store_.open(); }
  ValueStore::Value admit(std::string bytes) { return store_.admit(bytes); }
  void hold(ClientId client, ValueName name, std::string bytes) {
    store_.hold(client, name, admit(std::move(bytes)));
  }

  ValueStore store_{{.max_bytes = 100, .max_descriptors = 2}};
};

TEST_F(Values, AreFoundByTheirName) {
  hold(kAnn, name(1), "one");
  hold(kAnn, name(1, 2), "one again");
  hold(kBob, name(2), "two");
  EXPECT_EQ(text(store_.find(name(1))), "one");
  EXPECT_EQ(text(store_.find(name(1, 2))), "one again");
  EXPECT_EQ(text(store_.find(name(2))), "two");
  EXPECT_EQ(text(store_.find(name(3))), "nothing");
  EXPECT_EQ(store_.count(), 3u);
  EXPECT_EQ(store_.bytes(), 15u);
}

TEST_F(Values, AreGoneWhenTheyAreFreed) {
  hold(kAnn, name(1), "one");
  hold(kAnn, name(2), "two");
  store_.free(std::vector{name(1), name(9)});
  EXPECT_EQ(text(store_.find(name(1))), "nothing");
  EXPECT_EQ(text(store_.find(name(2))), "two");
  EXPECT_EQ(store_.bytes(), 3u);
}

TEST_F(Values, GoWithTheirClient) {
  hold(kAnn, name(1), "one");
  hold(kBob, name(2), "two");
  hold(kAnn, name(3), "three");
  store_.drop(kAnn);
  EXPECT_EQ(store_.count(), 1u);
  EXPECT_EQ(text(store_.find(name(2))), "two");
  EXPECT_EQ(store_.bytes(), 3u);
}

TEST_F(Values, AreAllGoneWhenTheStoreIsCleared) {
  hold(kAnn, name(1), "one");
  hold(kBob, name(2), "two");
  store_.clear();
  EXPECT_EQ(store_.count(), 0u);
  EXPECT_EQ(store_.bytes(), 0u);
}

TEST_F(Values, AreDestroyedByWhoeverClears) {
  hold(kAnn, name(1), "one");
  const auto cleared = store_.clear();
  EXPECT_EQ(store_.count(), 0u);
  EXPECT_EQ(store_.bytes(), 3u);
}

TEST_F(Values, ThatDoNotFitInAreLeftAsTheyWere) {
  hold(kAnn, name(1), std::string(60, 'a'));
  std::string large(41, 'b');
  EXPECT_EQ(store_.admit(large), nullptr);
  EXPECT_EQ(large, std::string(41, 'b'));
  EXPECT_NE(admit(std::string(40, 'c')), nullptr);
}

TEST_F(Values, TakeRoomBeforeTheyAreHeld) {
  auto value = admit(std::string(60, 'a'));
  EXPECT_EQ(admit(std::string(60, 'b')), nullptr);
  value.reset();
  EXPECT_NE(admit(std::string(60, 'b')), nullptr);
}

TEST_F(Values, TakeRoomForAsLongAsTheyAreRead) {
  hold(kAnn, name(1), std::string(60, 'a'));
  auto bytes = store_.find(name(1))->bytes();
  store_.free(std::vector{name(1)});
  EXPECT_EQ(bytes->view, std::string(60, 'a'));
  EXPECT_EQ(store_.bytes(), 60u);
  bytes = absl::CancelledError();
  EXPECT_EQ(store_.bytes(), 0u);
}

TEST_F(Values, AreInSharedMemoryWhileThereAreDescriptors) {
  auto first = admit("one");
  const auto second = admit("two");
  const auto third = admit("three");
  ASSERT_NE(first->shared(), nullptr);
  EXPECT_EQ(first->shared()->size(), 3u);
  EXPECT_NE(second->shared(), nullptr);
  EXPECT_EQ(third->shared(), nullptr);
  EXPECT_EQ(text(third), "three");
  first.reset();
  EXPECT_NE(admit("four")->shared(), nullptr);
}

TEST_F(Values, OnTheHeapStayReadableToo) {
  const auto first = admit("one");
  const auto second = admit("two");
  auto third = admit("three");
  const auto bytes = third->bytes();
  third.reset();
  EXPECT_EQ(bytes->view, "three");
}

TEST(ValueStore, AdmitsNothingBeforeItIsOpen) {
  ValueStore store({.max_bytes = 100});
  std::string bytes = "bytes";
  EXPECT_EQ(store.admit(bytes), nullptr);
  store.open();
  EXPECT_NE(store.admit(bytes), nullptr);
}

TEST(ValueStore, WithoutRoomKeepsNothing) {
  ValueStore store(ValueStoreLimits{});
  store.open();
  std::string bytes = "bytes";
  EXPECT_EQ(store.admit(bytes), nullptr);
  EXPECT_FALSE(store.keeps_values());
}

TEST(ValueStore, IsOutlivedByItsValues) {
  auto store = std::make_unique<ValueStore>(ValueStoreLimits{.max_bytes = 100});
  store->open();
  std::string bytes = "bytes";
  const auto value = store->admit(bytes);
  store.reset();
  EXPECT_EQ(text(value), "bytes");
}

TEST(ValueStore, NeverHasMoreThanItsLimitWhenManyThreadsAskForRoom) {
  ValueStore store({.max_bytes = 100});
  store.open();
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint64_t task = 0; task < 100; ++task) {
        std::string bytes(40, 'x');
        auto value = store.admit(bytes);
        EXPECT_LE(store.bytes(), 100u);
        if (!value) continue;
        store.hold(ClientId{thread}, name(task * 4 + thread), std::move(value));
        store.find(name(task));
        store.drop(ClientId{thread});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store.count(), 0u);
  EXPECT_EQ(store.bytes(), 0u);
}

}  // namespace
}  // namespace penstock::worker
