#include "penstock/codec.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "tests/runtime/codec_values.hpp"

namespace penstock {
namespace {

template <class T>
std::string encoded(const T& value) {
  std::string out;
  encode(value, out);
  return out;
}

template <class T>
std::string error_of(std::string_view bytes) {
  T value{};
  return std::string(decode(bytes, value).message());
}

TEST(Codec, GivesBackEveryValue) {
  values::visit_all([](const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    static_assert(Encodable<T>);
    SCOPED_TRACE(signature_of<T>());
    const std::string bytes = encoded(value);
    EXPECT_GE(bytes.size(), detail::Coder<T>::kMinSize);
    T copy{};
    const absl::Status status = decode(bytes, copy);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(encoded(copy), bytes);
    if constexpr (std::equality_comparable<T> && !detail::kIs<T, std::unique_ptr>) {
      EXPECT_TRUE(copy == value);
    }
  });
}

TEST(Codec, ReplacesWhatTheTargetHeld) {
  std::map<int, int> map = {{9, 9}};
  ASSERT_TRUE(decode(encoded(std::map<int, int>{{1, 2}}), map).ok());
  EXPECT_EQ(map, (std::map<int, int>{{1, 2}}));
  std::optional<int> some = 3;
  ASSERT_TRUE(decode(encoded(std::optional<int>{}), some).ok());
  EXPECT_FALSE(some.has_value());
}

TEST(Codec, AppendsToTheOutput) {
  std::string out = "head";
  encode(std::uint8_t{'!'}, out);
  EXPECT_EQ(out, "head!");
}

TEST(Codec, RefusesEveryTruncation) {
  values::visit_all([](const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    const std::string bytes = encoded(value);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      T copy{};
      EXPECT_FALSE(decode(std::string_view(bytes).substr(0, size), copy).ok())
          << signature_of<T>() << " at " << size;
    }
  });
}

TEST(Codec, RefusesBytesLeftOver) {
  values::visit_all([](const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    EXPECT_EQ(error_of<T>(encoded(value) + "x"), "left over: 1 byte") << signature_of<T>();
  });
}

// Each mutation is a few changed, inserted or removed bytes.
std::string mutate(std::string bytes, std::mt19937_64& random) {
  for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
    const std::size_t at = random() % (bytes.size() + 1);
    const auto byte = static_cast<char>(random() % 4 == 0 ? 255 : random() % 4 == 0 ? 1 : random());
    if (at == bytes.size() || random() % 8 == 0) {
      bytes.insert(at, 1, byte);
    } else if (random() % 8 == 0) {
      bytes.erase(at, 1);
    } else {
      bytes[at] = byte;
    }
  }
  return bytes;
}

TEST(Codec, SurvivesMutationsOfEveryValue) {
  constexpr int kMutations = 20'000;
  std::mt19937_64 random(20240607);
  values::visit_all([&](const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    const std::string bytes = encoded(value);
    for (int i = 0; i < kMutations; ++i) {
      T copy{};
      const absl::Status status = decode(mutate(bytes, random), copy);
      if (status.ok()) {
        EXPECT_GE(encoded(copy).size(), detail::Coder<T>::kMinSize);
      } else {
        EXPECT_FALSE(status.message().empty());
      }
    }
  });
}

TEST(Codec, SaysWhatIsMissing) {
  EXPECT_EQ(error_of<double>("abc"), "truncated: need 8 bytes, have 3");
  EXPECT_EQ(error_of<std::uint8_t>(""), "truncated: need 1 byte, have 0");
  EXPECT_EQ(error_of<std::string>(encoded(std::uint64_t{5}) + "abc"),
            "truncated: 5 elements of at least 1 byte announced, have 3 bytes");
}

TEST(Codec, RefusesLengthsThatWouldOverflow) {
  const std::string huge = encoded(std::numeric_limits<std::uint64_t>::max()) + "12345678";
  EXPECT_NE(error_of<std::vector<double>>(huge), "");
  EXPECT_NE(error_of<std::vector<values::Empty>>(huge), "");
  EXPECT_NE(error_of<std::vector<std::monostate>>(huge), "");
  EXPECT_NE((error_of<std::vector<std::array<int, 0>>>(huge)), "");
  EXPECT_NE((error_of<std::map<int, int>>(huge)), "");
  EXPECT_NE(error_of<values::Message>(huge), "");
}

TEST(Codec, ChecksFlagsIndicesAndEnums) {
  EXPECT_EQ(error_of<bool>("\2"), "a bool is 2");
  EXPECT_EQ(error_of<std::optional<int>>("\3"), "the flag of an optional is 3");
  EXPECT_EQ(error_of<std::unique_ptr<int>>("\4"), "the flag of a pointer is 4");
  EXPECT_EQ((error_of<std::variant<int, double>>("\2")), "variant index 2 of 2");
  EXPECT_EQ(error_of<std::monostate>("\1"), "an empty value is 1");
  EXPECT_EQ(error_of<values::Checked>(encoded(7)), "an enum is 7");
  EXPECT_EQ(error_of<values::Checked>(encoded(2)), "");
  EXPECT_EQ(error_of<values::Foreign>(encoded(101.0)), "percent is out of range");
  EXPECT_EQ(error_of<values::Message>(encoded(std::string("?"))), "a message could not be parsed");
}

struct Fragile {
  Fragile() = default;
  explicit Fragile(int) { throw 1; }
  static auto penstock_fields(auto& t) { return std::tie(t.text); }
  std::string text;
};

TEST(Codec, RefusesAVariantThatLostItsValue) {
  std::variant<std::string, Fragile> value = "before";
  EXPECT_THROW(value.emplace<Fragile>(1), int);
  ASSERT_TRUE(value.valueless_by_exception());
  EXPECT_EQ((error_of<std::variant<std::string, Fragile>>(encoded(value))),
            "variant index 255 of 2");
}

TEST(Codec, RefusesAMessageThatCannotBeWritten) {
  EXPECT_THROW(encoded(values::Unwritable()), std::invalid_argument);
}

TEST(Codec, CapsTheDepth) {
  const std::string fits = encoded(values::chain_of(kMaxDecodeDepth + 1));
  const std::string deep = encoded(values::chain_of(kMaxDecodeDepth + 2));
  EXPECT_EQ(error_of<values::Chain>(fits), "");
  EXPECT_EQ(error_of<values::Chain>(deep), "nested deeper than 500 levels");
}

TEST(Codec, KeepsTheUnusedBytesOfLongDoubleClear) {
  if (sizeof(long double) != 16 || std::numeric_limits<long double>::digits != 64) return;
  EXPECT_EQ(encoded(1.0L).substr(10), std::string(6, '\0'));
}

TEST(Codec, IsLittleEndianAndOfFixedWidth) {
  EXPECT_EQ(encoded(std::uint32_t{0x04030201}), "\1\2\3\4");
  EXPECT_EQ(encoded(std::string("ab")), std::string("\2\0\0\0\0\0\0\0ab", 10));
  EXPECT_EQ(encoded(std::vector<double>(1000)).size(), 8008U);
}

TEST(Codec, KnowsWhatCannotTravel) {
  struct WithPointer {
    int* pointer;
  };
  struct WithBase : values::Small {
    int more;
  };
  union Either {
    int a;
    float b;
  };
  enum Loose { kLoose };
  EXPECT_FALSE(Encodable<int*>);
  EXPECT_FALSE(Encodable<Loose>);
  EXPECT_FALSE(Encodable<const char*>);
  EXPECT_FALSE(Encodable<std::string_view>);
  EXPECT_FALSE(Encodable<std::span<int>>);
  EXPECT_FALSE(Encodable<std::shared_ptr<int>>);
  EXPECT_FALSE(Encodable<std::reference_wrapper<int>>);
  EXPECT_FALSE(Encodable<std::function<int()>>);
  EXPECT_FALSE(Encodable<WithPointer>);
  EXPECT_FALSE(Encodable<std::vector<WithPointer>>);
  EXPECT_FALSE((Encodable<std::map<int, std::optional<WithPointer>>>));
  EXPECT_FALSE(Encodable<WithBase>);
  EXPECT_FALSE(Encodable<Either>);
  EXPECT_FALSE(Encodable<int&>);
}

}  // namespace
}  // namespace penstock
