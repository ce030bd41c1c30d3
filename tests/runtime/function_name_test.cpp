// How functions are called in messages to people.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <typeinfo>
#include <vector>

#include "penstock/detail/module.hpp"
#include "runtime/elf_symbols.hpp"

namespace penstock::detail {
namespace {

using ::testing::MatchesRegex;

int some_function(int x) { return x + 1; }
int some_variable = 1;
struct Scale {};
struct Looks$_0LikeALambda {};  // clang's lambdas have such names

TEST(FunctionName, OfAFunctionIsItsSymbolWithoutArguments) {
  EXPECT_EQ(name_of_code(reinterpret_cast<const void*>(&some_function)),
            "penstock::detail::some_function");
}

TEST(FunctionName, OfAFunctionThatALibraryExportsIsItsSymbolToo) {
  EXPECT_EQ(name_of_code(reinterpret_cast<const void*>(&std::terminate)), "std::terminate");
}

TEST(FunctionName, WithoutASymbolIsItsPlaceInItsModule) {
  EXPECT_THAT(name_of_code(&some_variable), MatchesRegex("code at .*_test\\+0x[0-9a-f]+"));
}

TEST(FunctionName, OutsideOfAllModulesIsNone) {
  const int local = 0;
  EXPECT_EQ(name_of_code(&local), "function");
}

TEST(FunctionName, OfAClassIsItsName) {
  EXPECT_EQ(name_of_class(typeid(Scale), ""), "penstock::detail::Scale");
  EXPECT_EQ(name_of_class(typeid(std::string), ""), "std::string");
}

TEST(FunctionName, OfALambdaOfClangIsItsPlaceInTheSource) {
  EXPECT_EQ(name_of_class(typeid(Scale), "text pretty() [F = (lambda at folder/file.cpp:12:3)]"),
            "lambda at file.cpp:12");
  EXPECT_EQ(name_of_class(typeid(Looks$_0LikeALambda), "no place"),
            "penstock::detail::Looks$_0LikeALambda");
}

#ifndef __clang__
TEST(FunctionName, OfALambdaOfGccIsTheFunctionAroundIt) {
  const auto lambda = [](int x) { return x; };
  EXPECT_THAT(name_of_class(typeid(lambda), ""), MatchesRegex("lambda\\(int\\) in .*"));
}
#endif

TEST(FunctionName, WhatCannotBeDemangledStaysAsItIs) {
  EXPECT_EQ(demangle("no mangled name"), "no mangled name");
}

TEST(ElfSymbols, AreNoneWhereNoFunctionBegins) {
  EXPECT_EQ(function_symbol("/proc/self/exe", 1), "");
  EXPECT_EQ(function_symbol("/proc/self/exe", ~std::uint64_t{0}), "");
}

TEST(ElfSymbols, AreNoneInWhatIsNoElfFileOrOnlyThePartOfOne) {
  const std::string path = ::testing::TempDir() + "elf_symbols_test";
  std::vector<char> start(4096);
  std::ifstream("/proc/self/exe", std::ios::binary).read(start.data(), 4096);
  for (const std::size_t size : {0, 3, 63, 64, 4096}) {
    std::ofstream(path, std::ios::binary).write(start.data(), static_cast<std::streamsize>(size));
    EXPECT_EQ(function_symbol(path, 0), "") << size;
  }
  std::ofstream(path) << std::string(4096, 'x');
  EXPECT_EQ(function_symbol(path, 0), "");
  std::filesystem::remove(path);
  EXPECT_EQ(function_symbol(path, 0), "");
}

// As Debian's libraries are.
TEST(ElfSymbols, AreNoneInALibraryThatWasStripped) {
  const auto module = module_of(reinterpret_cast<const void*>(&std::terminate));
  ASSERT_TRUE(module.has_value());
  EXPECT_EQ(function_symbol(module->path, 1), "") << module->path;
}

}  // namespace
}  // namespace penstock::detail
