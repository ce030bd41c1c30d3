#include "penstock/detail/signature.hpp"

#include <gtest/gtest.h>

#include "tests/runtime/codec_values.hpp"

namespace penstock {
namespace {

using values::Chain;
using values::Small;
using values::Tree;

TEST(Signature, NamesNumbersByKindAndSize) {
  EXPECT_EQ(signature_of<bool>(), "b");
  EXPECT_EQ(signature_of<std::int32_t>(), "i4");
  EXPECT_EQ(signature_of<std::uint64_t>(), "u8");
  EXPECT_EQ(signature_of<float>(), "f4");
  EXPECT_EQ(signature_of<values::Color>(), "eu1");
  EXPECT_EQ(signature_of<std::complex<double>>(), "z(f8)");
}

TEST(Signature, NamesContainersByWhatTheyHold) {
  EXPECT_EQ(signature_of<std::string>(), "s");
  EXPECT_EQ(signature_of<std::vector<int>>(), "[i4]");
  EXPECT_EQ(signature_of<std::list<int>>(), "[i4]");
  EXPECT_EQ((signature_of<std::array<int, 3>>()), "3[i4]");
  EXPECT_EQ((signature_of<std::array<int, 0>>()), "0[i4]");
  EXPECT_EQ(signature_of<std::set<std::string>>(), "<s>");
  EXPECT_EQ((signature_of<std::map<std::string, double>>()), "<s:f8>");
}

TEST(Signature, NamesCompoundTypesByTheirParts) {
  EXPECT_EQ(signature_of<Small>(), "{s;f8;i4;?s;}");
  EXPECT_EQ((signature_of<std::tuple<int, std::string>>()), "(i4,s,)");
  EXPECT_EQ((signature_of<std::pair<int, double>>()), "(i4,f8,)");
  EXPECT_EQ((signature_of<std::variant<int, double>>()), "|i4|f8|");
  EXPECT_EQ(signature_of<std::unique_ptr<int>>(), "*i4");
  EXPECT_EQ(signature_of<std::monostate>(), "v");
  EXPECT_EQ(signature_of<values::Empty>(), "{}");
  EXPECT_EQ(signature_of<values::Hidden>(), "{i4;s;}");
  EXPECT_EQ(signature_of<values::Foreign>(), "c:f8");
  EXPECT_EQ(signature_of<values::Message>(), "m:test.Message");
}

TEST(Signature, TellsUnitsOfTimeApart) {
  EXPECT_EQ(signature_of<std::chrono::milliseconds>(), "d(i8,1/1000)");
  EXPECT_EQ(signature_of<std::chrono::minutes>(), "d(i8,60/1)");
  EXPECT_EQ((signature_of<std::chrono::sys_time<std::chrono::seconds>>()), "t(d(i8,1/1))");
}

TEST(Signature, RefersBackInRecursiveTypes) {
  EXPECT_EQ(signature_of<Tree>(), "{i4;[@0];}");
  EXPECT_EQ(signature_of<Chain>(), "{i4;*@0;}");
  EXPECT_EQ((signature_of<std::pair<Tree, Tree>>()), "({i4;[@0];},{i4;[@0];},)");
}

}  // namespace
}  // namespace penstock
