#include "scheduler/program_store.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "proto/limits.hpp"

namespace penstock::scheduler {
namespace {

std::string sum_of(const std::string& bytes) {
  proto_sha256::Sha256 sum;
  sum.add(bytes);
  return sum.finish();
}

class ProgramStoreTest : public ::testing::Test {
 protected:
  ProgramStoreTest() { store_.expect({ClientId{1}, name_, bytes_.size()}); }

  std::optional<Event> add(std::uint64_t offset, std::string bytes, std::uint64_t client = 1) {
    return store_.add(ClientId{client}, {name_, offset, std::move(bytes), ""});
  }
  std::string failure(std::optional<Event> event) {
    const auto* failed = event ? std::get_if<ProgramFailed>(&*event) : nullptr;
    return failed != nullptr ? failed->text : "no failure";
  }

  const std::string bytes_ = std::string(100, 'a') + "program";
  const std::string name_ = sum_of(bytes_);
  ProgramStore store_;
};

TEST_F(ProgramStoreTest, PutsPiecesTogether) {
  EXPECT_FALSE(add(0, bytes_.substr(0, 60)));
  EXPECT_FALSE(store_.find(name_)) << "it is not complete";
  const std::optional<Event> event = add(60, bytes_.substr(60));
  ASSERT_TRUE(event && std::holds_alternative<ProgramArrived>(*event));
  EXPECT_EQ(store_.find(name_), absl::Cord(bytes_));
  EXPECT_FALSE(add(0, bytes_)) << "more than was asked for";
  store_.drop(name_);
  EXPECT_FALSE(store_.find(name_));
}

TEST_F(ProgramStoreTest, RefusesAFileOfAnotherSum) {
  std::string other = bytes_;
  other[3] = 'b';
  EXPECT_EQ(failure(add(0, other)), "what the client sent has another SHA-256 than it said");
  EXPECT_FALSE(store_.find(name_));
}

TEST_F(ProgramStoreTest, RefusesPiecesThatDoNotFit) {
  constexpr auto kText = "the client sent pieces that do not fit together";
  const SendProgramRequest again{ClientId{1}, name_, bytes_.size()};
  EXPECT_EQ(failure(add(1, "x")), kText);
  EXPECT_FALSE(add(0, bytes_)) << "it was given up";
  store_.expect(again);
  EXPECT_EQ(failure(add(0, bytes_ + "x")), kText);
  store_.expect(again);
  EXPECT_EQ(failure(add(0, "")), kText);
  store_.expect({ClientId{1}, name_, std::uint64_t{1} << 30});
  EXPECT_EQ(failure(add(0, std::string(proto_limits::kProgramPieceBytes + 1, 'x'))), kText);
}

TEST_F(ProgramStoreTest, PassesOnWhyTheClientCannotReadIt) {
  EXPECT_EQ(failure(store_.add(ClientId{1}, {name_, 0, "", "no such file"})), "the client cannot read it: no such file");
}

TEST_F(ProgramStoreTest, TakesNothingFromOthers) {
  EXPECT_FALSE(add(0, bytes_, 2));
  EXPECT_FALSE(store_.find(name_));
  store_.drop(name_);
  EXPECT_FALSE(add(0, bytes_));
}

}  // namespace
}  // namespace penstock::scheduler
