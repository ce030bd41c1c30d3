#include "penstock/task.hpp"

#include <gtest/gtest.h>

#include <array>
#include <complex>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "penstock/detail/plucker.hpp"
#include "tests/runtime/task_support.hpp"

namespace penstock::detail {
namespace {

int increment(int x) { return x + 1; }
int decrement(int x) noexcept { return x - 1; }

template <class T>
T twice(T x) {
  return x + x;
}

struct Scale {
  double factor = 1;
  double operator()(double x) const { return factor * x; }
};

struct Prefix {
  std::string prefix;
  std::vector<int> numbers;
  std::string operator()(const std::string& x) const {
    return prefix + x + std::to_string(numbers.size());
  }
};

TEST(MapTask, RunsALambda) {
  EXPECT_EQ(run_stage<double>(map_stage<int>([](int x) { return x / 2.0; }), 5), 2.5);
}

TEST(MapTask, CarriesCaptures) {
  char c = 'c';
  const double factor = 2.5;
  const std::array<int, 3> table = {1, 2, 3};
  const auto spec = map_stage<int>([c, factor, table](int x) { return c + factor * table[2] * x; });
  EXPECT_EQ(run_stage<double>(spec, 2), 'c' + 15.0);
}

TEST(MapTask, CarriesAGenericLambda) {
  const auto spec = map_stage<std::string>([](const auto& x) { return x.size(); });
  EXPECT_EQ(run_stage<std::size_t>(spec, std::string("four")), 4U);
}

TEST(MapTask, CarriesFunctions) {
  EXPECT_EQ(run_stage<int>(map_stage<int>(increment), 1), 2);
  EXPECT_EQ(run_stage<int>(map_stage<int>(&decrement), 1), 0);
  EXPECT_EQ(run_stage<std::string>(map_stage<std::string>(twice<std::string>), std::string("ab")),
            "abab");
}

TEST(MapTask, CarriesFunctorsAsBytesOrAsAggregates) {
  EXPECT_EQ(run_stage<double>(map_stage<double>(Scale{3}), 2.0), 6);
  EXPECT_EQ(run_stage<std::string>(map_stage<std::string>(Prefix{"<", {1, 2}}), std::string("x")),
            "<x2");
}

TEST(MapTask, CarriesWhatIsTrusted) {
  const std::optional<int> some = 4;
  const std::complex<double> turn(0, 1);
  EXPECT_EQ(run_stage<int>(map_stage<int>(trusted([some](int x) { return x + *some; })), 1), 5);
  EXPECT_EQ(run_stage<double>(
                map_stage<double>(trusted([turn](double x) { return (turn * x).imag(); })), 2.0),
            2);
}

TEST(MapTask, CarriesExtraArguments) {
  const std::map<std::string, int> prices = {{"tea", 3}};
  const auto spec = map_stage<std::string>(
      [](const std::string& what, const std::map<std::string, int>& p, const std::string& unit) {
        return std::to_string(p.at(what)) + unit;
      },
      prices, " euro");
  EXPECT_EQ(run_stage<std::string>(spec, std::string("tea")), "3 euro");
}

TEST(MapTask, CallsWithAnRvalueWhereOnlyThatCompiles) {
  const auto spec = map_stage<std::unique_ptr<int>>([](std::unique_ptr<int> x) { return *x + 1; });
  EXPECT_EQ(run_stage<int>(spec, std::make_unique<int>(1)), 2);
}

TEST(MapTask, ReturnsMoveOnlyValuesAndReferencesAsValues) {
  const auto made = map_stage<int>([](int x) { return std::make_unique<int>(x); });
  EXPECT_EQ(*run_stage<std::unique_ptr<int>>(made, 4), 4);
  const auto same = map_stage<int>([](const int& x) -> const int& { return x; });
  EXPECT_EQ(run_stage<int>(same, 4), 4);
}

TEST(MapTask, ReturnsNothingAsAMonostate) {
  const auto spec = map_stage<int>([](int) {});
  run_stage<std::monostate>(spec, 1);
  static_assert(std::is_same_v<map_result_t<void (*)(int), int>, std::monostate>);
}

TEST(MapTask, ClearsPaddingSoThatEqualCapturesAreEqualBytes) {
  const auto constants = [](char noise) {
    char dirt[256];
    std::fill(std::begin(dirt), std::end(dirt), noise);
    const volatile char* keep = dirt;
    char c = 'c';
    double d = keep[0] * 0.0;
    std::int16_t s = 5;
    return map_stage<int>([c, d, s](int x) { return x + c + d + s; }).constants;
  };
  EXPECT_EQ(constants('a'), constants('b'));
  EXPECT_EQ(constants('a').substr(1, 7), std::string(7, '\0'));
  EXPECT_EQ(constants('a').substr(18, 6), std::string(6, '\0'));
}

TEST(MapTask, DecodesOnlyFunctionsOfLoadedModules) {
  const auto spec = map_stage<int>(increment);
  Stage stage = stage_of(spec);
  std::string constants;
  encode(std::string("no such id"), constants);
  encode(std::uint64_t{16}, constants);
  stage.constants = constants;
  EXPECT_EQ(bind_status({stage}).message(),
            "bad arguments for penstock::detail::increment: its function belongs to a module that "
            "is not loaded here");
  const CodeReference data = {reference_to_code(reinterpret_cast<const void*>(&increment)).build_id,
                              ~std::uint64_t{0}};
  EXPECT_EQ(find_code(data), nullptr);
}

struct Named {
  std::string name;
  const std::string& get() const { return name; }
  auto operator<=>(const Named&) const = default;
};

TEST(MapTask, CarriesPointersToMembers) {
  EXPECT_EQ(run_stage<std::string>(map_stage<Named>(&Named::name), Named{"a"}), "a");
  EXPECT_EQ(run_stage<std::string>(map_stage<Named>(&Named::get), Named{"a"}), "a");
  const auto plucker = make_plucker<Named>(&Named::name, &Named::get);
  EXPECT_EQ((run_stage<std::tuple<std::string, std::string>>(map_stage<Named>(plucker), Named{"a"})),
            std::tuple("a", "a"));
  EXPECT_EQ(stage_of(map_stage<Named>(plucker)).function, "pluck");
  EXPECT_EQ(stage_of(map_stage<Named>(&Named::get)).function, "penstock::detail::Named::get");
}

TEST(MapTask, DecodesOnlyMemberFunctionsOfLoadedModules) {
  Stage stage = stage_of(map_stage<Named>(&Named::get));
  std::string constants;
  encode(std::string("no such id"), constants);
  encode(std::uint64_t{16}, constants);
  encode(std::int64_t{0}, constants);
  stage.constants = constants;
  EXPECT_NE(bind_status({stage}).message().find("module that is not loaded here"), absl::string_view::npos);
  stage.constants.clear();
  EXPECT_FALSE(bind_status({stage}).ok());
}

TEST(MapTask, NamesItsSignature) {
  const auto plain = stage_of(map_stage<int>([](int x) { return x * 0.5; }));
  EXPECT_EQ(plain.signature, "(i4,)->f8");
  const auto scaled = stage_of(map_stage<double>(Scale{2}));
  EXPECT_EQ(scaled.signature, "[8](f8,)->f8");
  const auto extra = stage_of(map_stage<int>([](int, const std::string&) {}, "x"));
  EXPECT_EQ(extra.signature, "(i4,s,)->v");
  EXPECT_EQ(stage_of(map_stage<int>(increment)).signature, "[*](i4,)->i4");
}

TEST(StarmapTask, SpreadsTuplesPairsAndArrays) {
  const auto sum = [](int a, double b) { return a + b; };
  EXPECT_EQ((run_stage<double>(starmap_stage<std::pair<int, double>>(sum), std::pair(1, 2.5))),
            3.5);
  EXPECT_EQ((run_stage<double>(starmap_stage<std::tuple<int, double>>(sum), std::tuple(1, 2.5))),
            3.5);
  const auto three = [](int a, int b, int c) { return a + b + c; };
  EXPECT_EQ((run_stage<int>(starmap_stage<std::array<int, 2>>(three, 10), std::array{1, 2})), 13);
}

TEST(CallTask, CarriesCapturesAndArgumentsInTheInput) {
  const auto spec = [](int by) {
    return call_input([by](int x, const std::string& s) { return s + std::to_string(x * by); }, 3,
                      "n");
  };
  EXPECT_EQ(run_call<std::string>(spec(2)), "n6");
  EXPECT_EQ(run_call<std::string>(spec(5)), "n15");
  EXPECT_EQ(spec(2).entry, spec(5).entry);
  EXPECT_EQ(spec(2).constants, "");
}

TEST(CallTask, NeedsNoArguments) {
  EXPECT_EQ(run_call<int>(call_input([] { return 42; })), 42);
  run_call<std::monostate>(call_input([] {}));
}

TEST(CallTask, CarriesFunctionsInTheConstants) {
  const auto up = call_input(increment, 1);
  EXPECT_EQ(run_call<int>(up), 2);
  EXPECT_EQ(run_call<int>(call_input(twice<int>, 4)), 8);
  EXPECT_EQ(stage_of({up.entry, up.constants}).function, "penstock::detail::increment");
  static_assert(std::is_same_v<call_result_t<decltype(increment), int>, int>);
}

TEST(CallTask, ReportsBytesThatAreNoInput) {
  const auto spec = call_input([](int x) { return x; }, 1);
  const BoundPlan plan = plan_of({stage_of({spec.entry, spec.constants})});
  for (std::size_t size = 0; size < spec.input.size(); ++size) {
    std::string output;
    const auto failure = plan.run(spec.input.substr(0, size), output);
    ASSERT_TRUE(failure.has_value());
    EXPECT_FALSE(failure->raised);
  }
}

class AccumulateTaskTest : public testing::Test {
 protected:
  static AccumulateInput<int> input(std::optional<double> start, const std::vector<int>& elements) {
    AccumulateInput<int> input;
    input.has_state = start.has_value();
    if (start) encode(*start, input.state);
    for (const int element : elements) input.elements.push_back({bytes_of(element), {}});
    return input;
  }
  static double sum(double state, int x) {
    if (x < 0) throw std::domain_error("negative");
    return state + x;
  }
};

TEST_F(AccumulateTaskTest, EmitsEachNewState) {
  const auto out =
      run_stage<AccumulateOutput>(accumulate_stage<double, int, false>(sum), input(10, {1, 2}));
  ASSERT_EQ(out.items.size(), 2U);
  EXPECT_EQ(value_of<double>(out.items[0].value), 11);
  EXPECT_EQ(value_of<double>(out.items[1].value), 13);
  EXPECT_EQ(value_of<double>(out.state), 13);
}

TEST_F(AccumulateTaskTest, StartsWithTheFirstElementWithoutAState) {
  const auto out =
      run_stage<AccumulateOutput>(accumulate_stage<double, int, false>(sum), input({}, {-4, 5}));
  ASSERT_EQ(out.items.size(), 2U);
  EXPECT_EQ(value_of<double>(out.items[0].value), -4);
  EXPECT_EQ(value_of<double>(out.items[1].value), 1);
}

TEST_F(AccumulateTaskTest, KeepsTheStateWhereTheFunctionThrew) {
  const auto out =
      run_stage<AccumulateOutput>(accumulate_stage<double, int, false>(sum), input(1, {2, -1, 3}));
  ASSERT_EQ(out.items.size(), 3U);
  EXPECT_FALSE(out.items[1].ok);
  EXPECT_EQ(out.items[1].error_type, "std::domain_error");
  EXPECT_EQ(out.items[1].error_text, "negative");
  EXPECT_TRUE(out.items[2].ok);
  EXPECT_EQ(value_of<double>(out.state), 6);
}

TEST_F(AccumulateTaskTest, EmitsAResultBesideTheState) {
  const auto spec = accumulate_stage<double, int, true>(
      [](double s, int x) { return std::pair(s + x, std::to_string(x)); });
  const auto out = run_stage<AccumulateOutput>(spec, input(0, {7}));
  EXPECT_EQ(value_of<std::string>(out.items.at(0).value), "7");
  EXPECT_EQ(value_of<double>(out.state), 7);
  using F = std::tuple<double, std::string> (*)(double, int);
  static_assert(std::is_same_v<accumulate_result_t<F, double, int, true>, std::string>);
}

TEST_F(AccumulateTaskTest, StartsWithTheFirstElementAsStateAndResult) {
  const auto spec = accumulate_stage<double, int, true>(
      [](double s, int x) { return std::pair(s + x, static_cast<long>(10 * x)); });
  const auto out = run_stage<AccumulateOutput>(spec, input({}, {4, 5}));
  ASSERT_EQ(out.items.size(), 2U);
  EXPECT_EQ(value_of<long>(out.items[0].value), 4);
  EXPECT_EQ(value_of<long>(out.items[1].value), 50);
  EXPECT_EQ(value_of<double>(out.state), 9);
}

TEST_F(AccumulateTaskTest, AsksForAStartWhereAnElementCannotBeOne) {
  const auto spec = accumulate_stage<double, int, true>(
      [](double s, int x) { return std::pair(s + x, std::vector<std::string>()); });
  AccumulateInput<int> none;
  none.elements.push_back({bytes_of(1), {}});
  const auto out = run_stage<AccumulateOutput>(
      accumulate_stage<std::string, int, false>([](const std::string& s, int) { return s; }), none);
  EXPECT_FALSE(out.items.at(0).ok);
  EXPECT_EQ(out.items[0].error_type, "");
  EXPECT_EQ(out.state, "");
  EXPECT_TRUE(run_stage<AccumulateOutput>(spec, input(1, {2})).items.at(0).ok);
}

TEST_F(AccumulateTaskTest, TakesElementsThatAreTheirOwnPartOfTheBatch) {
  const auto spec = accumulate_stage<double, int, false>(sum);
  AccumulateInput<int> mixed = input(1, {2, 0});
  mixed.elements[1] = {"", 5};
  EXPECT_EQ(value_of<double>(run_stage<AccumulateOutput>(spec, mixed).state), 8);

  std::string written;
  AccumulateBatchWriter batch(bytes_of(1.0), true, 2, written);
  batch.add(bytes_of(2));
  batch.announce();
  encode(5, written);
  EXPECT_EQ(written, bytes_of(mixed));
}

TEST_F(AccumulateTaskTest, ReportsWhatCannotBeDecoded) {
  const auto spec = accumulate_stage<double, int, false>(sum);
  AccumulateInput<int> bad = input(1, {1, 2});
  bad.elements[0].bytes = "xy";
  const auto out = run_stage<AccumulateOutput>(spec, bad);
  EXPECT_EQ(out.items.at(0).error_text, "bad arguments: truncated: need 4 bytes, have 2");
  EXPECT_EQ(value_of<double>(out.state), 3);

  bad.state = "?";
  std::string output;
  const auto failure = plan_of({stage_of(spec)}).run(bytes_of(bad), output);
  ASSERT_TRUE(failure.has_value());
  EXPECT_FALSE(failure->raised);
  EXPECT_NE(failure->text.find("the state: truncated: need 8 bytes, have 1"), std::string::npos);
}

TEST(Value, HoldsSmallLargeAndMoveOnlyObjects) {
  const auto counter = std::make_shared<int>(0);
  struct Large {
    std::shared_ptr<int> owner;
    char bytes[200];
  };
  {
    Value value;
    value.emplace<Large>().owner = counter;
    Value moved = std::move(value);
    EXPECT_FALSE(value.has_value());
    EXPECT_EQ(moved.get<Large>().owner, counter);
    moved.emplace<std::shared_ptr<int>>(counter);
    EXPECT_EQ(counter.use_count(), 2);
    value = std::move(moved);
    EXPECT_EQ(value.get<std::shared_ptr<int>>(), counter);
    value.emplace<std::unique_ptr<int>>(std::make_unique<int>(3));
    EXPECT_EQ(*value.get<std::unique_ptr<int>>(), 3);
  }
  EXPECT_EQ(counter.use_count(), 1);
}

TEST(PointerFreeCheck, TellsCapturesApart) {
  int local = 0;
  int* pointer = &local;
  std::string text;
  const auto by_reference = [&local] { return local; };
  const auto by_pointer = [pointer] { return *pointer; };
  const auto by_value = [local] { return local; };
  const auto by_string = [text] { return text.size(); };
  EXPECT_FALSE(PointerFree<decltype(by_reference)>);
  EXPECT_FALSE(PointerFree<decltype(by_pointer)>);
  EXPECT_TRUE(PointerFree<decltype(by_value)>);
  EXPECT_FALSE(PointerFree<decltype(by_string)>);
  EXPECT_TRUE(PointerFree<Scale>);
  EXPECT_FALSE(PointerFree<std::string_view>);
}

}  // namespace
}  // namespace penstock::detail
