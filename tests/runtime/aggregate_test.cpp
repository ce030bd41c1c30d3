#include "penstock/detail/aggregate.hpp"

#include <gtest/gtest.h>

#include <any>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tests/runtime/codec_values.hpp"

namespace penstock::detail {
namespace {

struct None {};
struct One {
  int a;
};
struct Inner {
  int a;
  int b;
};
struct Braces {
  Inner inner;
  int c;
};
struct Arrays {
  int a[5];
  char text[64];
  std::array<int, 3> b;
  Inner inners[2];
};
struct Defaults {
  int a = 1;
  std::string b = "b";
};
struct Greedy {  // types that can be made from anything
  std::any any;
  std::function<void()> function;
  std::optional<std::any> optional;
  std::variant<int, std::any> variant;
};
struct MoveOnly {
  std::unique_ptr<int> a;
  std::unique_ptr<MoveOnly> b;
};
struct Recursive {
  std::vector<Recursive> kids;
  std::map<int, Recursive> named;
};
struct Empties {
  None a;
  None b;
  int c;
};
struct OnlyInner {
  Inner inner;
};
struct Pointers {
  int* a;
  void (*b)();
  int Inner::*c;
};
struct Base {
  int a;
};
struct Derived : Base {
  int b;
};
struct EmptyBase {};
struct FromEmpty : EmptyBase {
  int b;
};
struct TooWide {
  values::Wide wide;
  int a1, a2, a3, a4, a5, a6, a7, a8, b1, b2, b3, b4, b5, b6, b7, b8;
  int c1, c2, c3, c4, c5, c6, c7, c8, d1, d2, d3, d4, d5, d6, d7, d8;
};

TEST(Aggregate, CountsTheFieldsOfEveryShape) {
  EXPECT_EQ(field_count<None>(), 0U);
  EXPECT_EQ(field_count<One>(), 1U);
  EXPECT_EQ(field_count<Inner>(), 2U);
  EXPECT_EQ(field_count<Braces>(), 2U);
  EXPECT_EQ(field_count<Arrays>(), 4U);
  EXPECT_EQ(field_count<Defaults>(), 2U);
  EXPECT_EQ(field_count<Greedy>(), 4U);
  EXPECT_EQ(field_count<MoveOnly>(), 2U);
  EXPECT_EQ(field_count<Recursive>(), 2U);
  EXPECT_EQ(field_count<Empties>(), 3U);
  EXPECT_EQ(field_count<OnlyInner>(), 1U);
  EXPECT_EQ(field_count<Pointers>(), 3U);
  EXPECT_EQ(field_count<values::Small>(), 4U);
  EXPECT_EQ(field_count<values::Nested>(), 5U);
  EXPECT_EQ(field_count<values::Wide>(), 32U);
  EXPECT_EQ(field_count<TooWide>(), kMaxFields + 1);
}

TEST(Aggregate, TiesTheFieldsInOrder) {
  Braces braces{{1, 2}, 3};
  auto fields = tie_fields(braces);
  static_assert(std::is_same_v<decltype(fields), std::tuple<Inner&, int&>>);
  std::get<0>(fields).b = 7;
  std::get<1>(fields) = 8;
  EXPECT_EQ(braces.inner.b, 7);
  EXPECT_EQ(braces.c, 8);
}

TEST(Aggregate, TiesConstFieldsOfAConstObject) {
  const Defaults defaults;
  static_assert(
      std::is_same_v<decltype(tie_fields(defaults)), std::tuple<const int&, const std::string&>>);
  EXPECT_EQ(std::get<1>(tie_fields(defaults)), "b");
}

TEST(Aggregate, KeepsArraysWhole) {
  Arrays arrays{};
  static_assert(std::is_same_v<std::tuple_element_t<1, decltype(tie_fields(arrays))>, char(&)[64]>);
  EXPECT_EQ(&std::get<1>(tie_fields(arrays)), &arrays.text);
}

TEST(Aggregate, SeesBaseClasses) {
  EXPECT_TRUE(HasBase<Derived>);
  EXPECT_TRUE(HasBase<FromEmpty>);
  EXPECT_FALSE(HasBase<Base>);
  EXPECT_FALSE(HasBase<Braces>);
  EXPECT_FALSE(HasBase<OnlyInner>);
  EXPECT_FALSE(HasBase<Recursive>);
}

}  // namespace
}  // namespace penstock::detail
