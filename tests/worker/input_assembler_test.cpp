#include "worker/input_assembler.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "cluster.pb.h"

namespace penstock::worker {
namespace {

// Values of this worker, w1, and of w2, which shares its memory.
class Input : public ::testing::Test {
 public:
  void SetUp() override { store_->open(); }

  v1::KeptValue own(std::uint64_t task, std::string bytes) {
    v1::KeptValue value;
    value.set_worker("w1");
    value.set_task(task);
    value.set_attempt(1);
    value.set_size(bytes.size());
    store_->hold(ClientId{1}, {TaskId{task}, 1}, store_->admit(bytes));
    return value;
  }
  v1::KeptValue foreign(const std::string& bytes) {
    others_.push_back(*proto_values::SharedBytes::make(bytes));
    const proto_values::SharedBytes& made = *others_.back();
    v1::KeptValue value;
    value.set_worker("w2");
    value.set_size(bytes.size());
    value.mutable_memory()->set_machine(proto_values::this_machine());
    value.mutable_memory()->set_process(static_cast<std::uint32_t>(getpid()));
    value.mutable_memory()->set_fd(static_cast<std::uint32_t>(made.descriptor()));
    value.mutable_memory()->set_name(made.name());
    return value;
  }
  Input& with(v1::KeptValue value, std::uint64_t at) {
    v1::KeptInput& place = *kept_.add_inputs();
    place.set_at(at);
    *place.mutable_value() = std::move(value);
    return *this;
  }
  absl::StatusOr<proto_values::Bytes> assemble(const absl::Cord& input) {
    lost_.clear();
    return assembler_.assemble(input, absl::Cord(kept_.SerializeAsString()), lost_);
  }
  std::string text(const std::string& input) {
    const auto bytes = assemble(absl::Cord(input));
    return bytes.ok() ? std::string(bytes->view) : bytes.status().ToString();
  }

 protected:
  std::shared_ptr<ValueStore> store_ = std::make_shared<ValueStore>(ValueStoreLimits{1000});
  std::vector<std::shared_ptr<const proto_values::SharedBytes>> others_;
  InputAssembler assembler_{"w1", store_, ""};
  v1::KeptInputs kept_;
  std::vector<std::uint32_t> lost_;
};

TEST_F(Input, HasAValueInFrontOfItsPlace) { EXPECT_EQ(with(own(1, "VALUE"), 2).text("in put"), "inVALUE put"); }

TEST_F(Input, HasAValueAtItsBeginningOrEnd) {
  EXPECT_EQ(with(own(1, "A"), 0).with(own(2, "B"), 5).text("input"), "AinputB");
}

TEST_F(Input, HasValuesOfSeveralWorkers) {
  EXPECT_EQ(with(own(1, "own"), 1).with(foreign("foreign"), 2).text("(,)"), "(own,foreign)");
}

TEST_F(Input, HasValuesAtOnePlaceInTheirOrder) {
  EXPECT_EQ(with(own(1, "1"), 1).with(own(2, "2"), 1).with(own(1, "1"), 1).text("()"), "(121)");
}

TEST_F(Input, MayBeNothingButValues) { EXPECT_EQ(with(own(1, "1"), 0).with(own(2, "2"), 0).text(""), "12"); }

TEST_F(Input, MayComeInPieces) {
  absl::Cord input("in");
  input.Append(absl::Cord(std::string(5000, 'x')));
  input.Append("put");
  with(own(1, "[value]"), 2500);
  const auto bytes = assemble(input);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->view, "in" + std::string(2498, 'x') + "[value]" + std::string(2502, 'x') + "put");
}

TEST_F(Input, ThatIsOneValueIsNotCopied) {
  auto value = std::make_shared<const StoredValue>("on the heap");
  const char* const begin = value->bytes()->view.data();
  store_->hold(ClientId{1}, {TaskId{1}, 1}, value);
  v1::KeptValue place;
  place.set_worker("w1");
  place.set_task(1);
  place.set_attempt(1);
  place.set_size(value->size());
  const auto bytes = with(place, 0).assemble(absl::Cord());
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->view.data(), begin);
}

TEST_F(Input, StaysWhenItsValueIsFreed) {
  const auto bytes = with(own(1, "value"), 0).assemble(absl::Cord());
  store_->clear();
  EXPECT_EQ(bytes->view, "value");
}

TEST_F(Input, CannotHaveAValueThatIsGone) {
  with(own(1, "value"), 0);
  store_->clear();
  EXPECT_TRUE(absl::IsNotFound(assemble(absl::Cord()).status()));
}

TEST_F(Input, SaysWhichOfItsValuesCannotBeRead) {
  with(own(1, "a"), 0).with(own(2, "b"), 0).with(own(3, "c"), 0);
  const ValueName names[] = {{TaskId{1}, 1}, {TaskId{3}, 1}};
  store_->free(names);
  EXPECT_TRUE(absl::IsNotFound(assemble(absl::Cord()).status()));
  EXPECT_EQ(lost_, (std::vector<std::uint32_t>{0, 2}));
}

TEST_F(Input, CannotHaveAValueOfAnotherSize) {
  v1::KeptValue value = own(1, "value");
  value.set_size(6);
  EXPECT_TRUE(absl::IsDataLoss(with(value, 0).assemble(absl::Cord()).status()));
}

TEST_F(Input, CannotHaveAValueOfAWorkerThatCannotBeReached) {
  v1::KeptValue value = foreign("value");
  value.mutable_memory()->set_machine("another");
  value.set_address("127.0.0.1:1");
  EXPECT_TRUE(absl::IsUnavailable(with(value, 0).assemble(absl::Cord()).status()));
}

TEST_F(Input, HasNoPlacesBehindItsEnd) {
  EXPECT_TRUE(absl::IsInvalidArgument(with(own(1, "value"), 2).assemble(absl::Cord("x")).status()));
}

TEST_F(Input, HasNoPlacesThatGoBack) {
  with(own(1, "value"), 2).with(own(2, "value"), 1);
  EXPECT_TRUE(absl::IsInvalidArgument(assemble(absl::Cord("input")).status()));
}

TEST_F(Input, HasNoPlacesThatCannotBeRead) {
  EXPECT_TRUE(absl::IsInvalidArgument(assembler_.assemble(absl::Cord("x"), absl::Cord("\xff\xff"), lost_).status()));
}

}  // namespace
}  // namespace penstock::worker
