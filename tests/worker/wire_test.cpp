#include "worker/wire.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <variant>

#include "proto/limits.hpp"

namespace penstock::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

PlanFunction bind_echo(std::span<const detail::Stage>) {
  return [](std::string_view input) -> Result { return std::string(input); };
}

// A plan as it arrives.
std::shared_ptr<const RunnablePlan> arrived(const v1::Plan& plan, const Binder& bind = bind_echo) {
  wire::WorkerInbox inbox;
  inbox.batch.add_plans()->set_definition(plan.SerializeAsString());
  Inbound inbound;
  wire::decode(inbox, bind, inbound);
  return inbound.plans.at(0).runnable;
}

v1::Plan one_stage() {
  v1::Plan plan;
  plan.add_stages()->set_function("f");
  return plan;
}

// What is sent of one outcome.
wire::WorkerBatch sent(Result result) {
  Outbound outbound;
  outbound.done.push_back({TaskId{7}, 2, std::move(result)});
  wire::WorkerBatch batch;
  Identity identity;
  identity.name = "w1";
  identity.values_address = "10.0.0.7:1234";
  wire::encode(outbound, identity, batch);
  return batch;
}

TEST(Wire, KeepsTheValuesOfAPlan) {
  EXPECT_TRUE(arrived(one_stage())->keeps);
  EXPECT_EQ(arrived(one_stage())->last, "f");
}

TEST(Wire, KeepsNoValuesOfAPlanThatSaysSo) {
  v1::Plan plan = one_stage();
  plan.set_keeps_nothing(true);
  EXPECT_FALSE(arrived(plan)->keeps);
}

TEST(Wire, KeepsNoBatchOfValues) {
  v1::Plan plan = one_stage();
  plan.set_batched(true);
  EXPECT_FALSE(arrived(plan)->keeps);
}

TEST(Wire, RefusesAValueInABatchThatIsTooLargeToTravel) {
  v1::Plan plan = one_stage();
  plan.set_batched(true);
  v1::TaskBatch inputs;
  inputs.add_inputs("large");
  inputs.add_inputs("small");
  const auto runnable = arrived(plan, [](auto) -> PlanFunction {
    return [](std::string_view input) -> Result {
      return std::string(input == "large" ? proto_limits::kMaxValueBytes + 1 : 1, 'x');
    };
  });
  v1::TaskBatchResult results;
  ASSERT_TRUE(results.ParseFromString(std::get<std::string>(runnable->run(inputs.SerializeAsString()))));
  ASSERT_THAT(results.items(), SizeIs(2));
  EXPECT_EQ(results.items(0).failure().kind(), v1::FAILURE_REFUSED);
  EXPECT_EQ(results.items(0).failure().task(), "f");
  EXPECT_EQ(results.items(0).failure().text(),
            "the result has 536870913 bytes; at most 536870912 can travel: return less of it at a time");
  EXPECT_EQ(results.items(1).value(), "x");
}

TEST(Wire, ReadsWhatBelongsToARun) {
  wire::WorkerInbox inbox;
  v1::Run& run = *inbox.batch.add_runs();
  run.set_kept("places");
  run.set_client(5);
  inbox.payloads.emplace_back("input");
  Inbound inbound;
  wire::decode(inbox, bind_echo, inbound);
  EXPECT_EQ(inbound.tasks.at(0).input, "input");
  EXPECT_EQ(inbound.tasks.at(0).kept, "places");
  EXPECT_EQ(inbound.tasks.at(0).client, ClientId{5});
}

TEST(Wire, ReadsWhatIsToBeFreed) {
  wire::WorkerInbox inbox;
  v1::ValueName& name = *inbox.batch.add_free();
  name.set_task(7);
  name.set_attempt(2);
  inbox.batch.add_gone_clients(5);
  Inbound inbound;
  wire::decode(inbox, bind_echo, inbound);
  EXPECT_THAT(inbound.freed, ElementsAre(ValueName{TaskId{7}, 2}));
  EXPECT_THAT(inbound.gone_clients, ElementsAre(ClientId{5}));
}

TEST(Wire, SaysWhereAValueIsThatStays) {
  auto shared = proto_values::SharedBytes::make("bytes");
  ASSERT_TRUE(shared.ok()) << shared.status();
  const wire::WorkerBatch batch = sent(Kept{std::make_shared<const StoredValue>(*shared)});
  EXPECT_TRUE(batch.batch.done(0).kept());
  v1::KeptValue value;
  ASSERT_TRUE(value.ParseFromString(std::string(batch.payloads.at(0))));
  EXPECT_EQ(value.worker(), "w1");
  EXPECT_EQ(value.task(), 7u);
  EXPECT_EQ(value.attempt(), 2u);
  EXPECT_EQ(value.size(), 5u);
  EXPECT_EQ(value.address(), "10.0.0.7:1234");
  EXPECT_EQ(value.memory().machine(), proto_values::this_machine());
  EXPECT_EQ(value.memory().process(), static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(value.memory().fd(), static_cast<std::uint32_t>((*shared)->descriptor()));
  EXPECT_EQ(value.memory().name(), (*shared)->name());
}

TEST(Wire, NamesNoMemoryOfAValueOnTheHeap) {
  const wire::WorkerBatch batch = sent(Kept{std::make_shared<const StoredValue>("bytes")});
  v1::KeptValue value;
  ASSERT_TRUE(value.ParseFromString(std::string(batch.payloads.at(0))));
  EXPECT_EQ(value.size(), 5u);
  EXPECT_FALSE(value.has_memory());
}

TEST(Wire, LetsGoOfAValueWhenItHasSaidWhereItIs) {
  auto value = std::make_shared<const StoredValue>("bytes");
  Outbound outbound;
  outbound.done.push_back({TaskId{7}, 1, Kept{value}});
  wire::WorkerBatch batch;
  wire::encode(outbound, Identity{}, batch);
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Wire, SendsASmallValueAsItIs) {
  const wire::WorkerBatch batch = sent("bytes");
  EXPECT_FALSE(batch.batch.done(0).kept());
  EXPECT_EQ(batch.payloads.at(0), "bytes");
}

TEST(Wire, SaysWhenAnInputIsLost) {
  const wire::WorkerBatch batch = sent(Failure{FailureKind::kInputLost, "", "gone", ""});
  EXPECT_EQ(batch.batch.done(0).failure().kind(), v1::FAILURE_INPUT_LOST);
  EXPECT_EQ(batch.batch.done(0).failure().text(), "gone");
}

}  // namespace
}  // namespace penstock::worker
