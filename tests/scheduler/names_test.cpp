// Published values.
#include "tests/support/scheduler_core_fixture.hpp"

namespace penstock::scheduler::testing {
namespace {

class NamesTest : public SchedulerCoreTest {
 protected:
  NamesTest() {
    have_client(1);
    have_client(2);
  }
  void publish(std::uint64_t client, std::uint64_t request, std::string name = "model", std::string type = "f8") {
    handle(NamePublished{ClientId{client}, request, std::move(name), std::move(type)});
  }
  void ask(std::uint64_t client, std::uint64_t request, std::string name = "model", std::string type = "f8") {
    handle(NameAsked{ClientId{client}, request, std::move(name), std::move(type)});
  }
  void give(std::uint64_t client, std::uint64_t asker, std::uint64_t request, std::string value) {
    handle(ValueGiven{ClientId{client}, ClientId{asker}, request, "", absl::Cord(value)});
  }
};

TEST_F(NamesTest, AQuestionGoesToTheOwnerAndItsAnswerBack) {
  publish(1, 10);
  EXPECT_THAT(taken(), ElementsAre("answer c1 request=10 ''"));
  ask(2, 20);
  EXPECT_THAT(taken(), ElementsAre("asked c1 by c2 request=20 model"));
  give(1, 2, 20, "7");
  EXPECT_THAT(taken(), ElementsAre("answer c2 request=20 '7'"));
  give(1, 2, 20, "8");  // once
  EXPECT_EQ(counters().dropped_other, 1u);
}

TEST_F(NamesTest, AQuestionWaitsUntilSomebodyPublishes) {
  ask(2, 20);
  publish(1, 10);
  EXPECT_THAT(taken(), ElementsAre("answer c1 request=10 ''", "asked c1 by c2 request=20 model"));
}

TEST_F(NamesTest, WhoComesBackIsAskedAgain) {
  publish(1, 10);
  taken();
  ask(2, 20);
  taken();
  client_left(1);
  have_client(3);
  publish(3, 30);
  EXPECT_THAT(taken(), ElementsAre("answer c3 request=30 ''", "asked c3 by c2 request=20 model"));
  give(3, 2, 20, "7");
  EXPECT_THAT(taken(), ElementsAre("answer c2 request=20 '7'"));
}

TEST_F(NamesTest, OnlyItsOwnerMayPublishANameAgainOrWithdrawIt) {
  publish(1, 10);
  taken();
  publish(1, 11);
  taken();
  publish(2, 20);
  EXPECT_THAT(taken(), ElementsAre("answer c2 request=20 error: 'model' is published by client 'c1' already: withdraw "
                                   "it there, or choose another name"));
  handle(NameWithdrawn{ClientId{2}, "model"});
  EXPECT_EQ(counters().dropped_other, 1u);
  handle(NameWithdrawn{ClientId{1}, "model"});
  publish(2, 21);
  EXPECT_THAT(taken(), ElementsAre("answer c2 request=21 ''"));
}

TEST_F(NamesTest, AnotherTypeIsNoAnswer) {
  publish(1, 10);
  taken();
  ask(2, 20, "model", "i4");
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("its signature is f8, asked for is i4")));
}

TEST_F(NamesTest, AreListed) {
  publish(1, 10, "b");
  taken();
  publish(2, 20, "a");
  taken();
  handle(NamesAsked{ClientId{1}, 11});
  EXPECT_THAT(taken(), ElementsAre("answer c1 request=11 a b ''"));
}

TEST_F(NamesTest, ForgottenQuestionsAndThoseOfClientsThatLeftAreNotAsked) {
  have_client(3);
  ask(2, 20);
  ask(3, 30);
  handle(QuestionForgotten{ClientId{2}, 20});
  client_left(3);
  publish(1, 10);
  EXPECT_THAT(taken(), ElementsAre("answer c1 request=10 ''"));
}

TEST_F(NamesTest, AreBounded) {
  restart({.max_published = 1, .max_asked = 1});
  have_client(1);
  publish(1, 10, "a");
  taken();
  publish(1, 11, "b");
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("the scheduler has 1 published value, its limit")));
  publish(1, 12, "");
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("must have 1 to 256 bytes")));
  ask(1, 13, "c");
  ask(1, 14, "d");
  EXPECT_THAT(taken(), ElementsAre(HasSubstr("too many clients wait")));
}

}  // namespace
}  // namespace penstock::scheduler::testing
