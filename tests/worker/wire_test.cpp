#include "worker/wire.hpp"

#include <gtest/gtest.h>

#include <penstock/task.hpp>
#include <string>
#include <variant>

#include "proto/limits.hpp"

namespace penstock::worker {
namespace {

Result run(const detail::StageSpec& spec, const std::string& input) {
  const auto stage = detail::make_stage(*spec.entry, spec.constants);
  EXPECT_TRUE(stage.ok()) << stage.status();
  return bind_stages(std::vector{*stage})(input);
}

TEST(Wire, RefusesAResultThatIsTooLargeToTravel) {
  std::string input;
  encode(std::size_t{proto_limits::kMaxValueBytes}, input);
  const Result result = run(
      detail::map_stage<std::size_t>([](std::size_t bytes) { return std::string(bytes, 'x'); }), input);
  const auto* failure = std::get_if<Failure>(&result);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->kind, FailureKind::kRefused);
  EXPECT_NE(failure->text.find("at most 536870912"), std::string::npos) << failure->text;
  EXPECT_NE(failure->task.find("lambda"), std::string::npos) << failure->task;
}

}  // namespace
}  // namespace penstock::worker
