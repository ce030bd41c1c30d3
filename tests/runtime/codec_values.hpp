// Values of every kind the codec knows, for tests that hold for all of them.
#pragma once

#include <array>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <forward_list>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "penstock/codec.hpp"

namespace penstock::values {

enum class Color : std::uint8_t { kRed, kGreen };
enum Plain : short { kSmall, kLarge };
enum class Checked : int { kOne = 1, kTwo = 2 };
constexpr bool penstock_valid(Checked value) {
  return value == Checked::kOne || value == Checked::kTwo;
}

struct Empty {
  bool operator==(const Empty&) const = default;
};

struct Small {
  std::string name;
  double value = 0;
  int count = 0;
  std::optional<std::string> note;
  bool operator==(const Small&) const = default;
};

struct Nested {
  Small small;
  std::vector<Small> many;
  int numbers[3] = {};
  std::array<Color, 2> colors = {};
  Empty nothing;
  bool operator==(const Nested&) const = default;
};

struct Tree {
  int value = 0;
  std::vector<Tree> kids;
  bool operator==(const Tree&) const = default;
};

struct Chain {
  int value = 0;
  std::unique_ptr<Chain> next;
};

class Hidden {
 public:
  Hidden() = default;
  Hidden(int a, std::string b) : a_(a), b_(std::move(b)) {}
  static auto penstock_fields(auto& t) { return std::tie(t.a_, t.b_); }
  bool operator==(const Hidden&) const = default;

 private:
  int a_ = 0;
  std::string b_;
};

// As if from a library: neither an aggregate nor to be edited.
class Foreign {
 public:
  double percent() const { return percent_; }
  bool set_percent(double percent) {
    if (!(percent >= 0 && percent <= 100)) return false;
    percent_ = percent;
    return true;
  }
  bool operator==(const Foreign&) const = default;

 private:
  double percent_ = 50;
};

// Has the two members that a protobuf message is known by.
class Message {
 public:
  Message() = default;
  explicit Message(std::string text) : text_(std::move(text)) {}
  bool SerializeToString(std::string* out) const {
    *out = "#" + text_;
    return true;
  }
  bool ParseFromArray(const void* data, int size) {
    const std::string bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
    if (bytes.empty() || bytes[0] != '#') return false;
    text_ = bytes.substr(1);
    return true;
  }
  std::string GetTypeName() const { return "test.Message"; }
  bool operator==(const Message&) const = default;

 private:
  std::string text_;
};

// Messages that do not let themselves be written (a required field of proto2 is missing, say), or read.
struct Unwritable {
  bool SerializeToString(std::string*) const { return false; }
  bool ParseFromArray(const void*, int) { return true; }
};
struct Unreadable {
  bool SerializeToString(std::string* out) const { return out->empty(); }
  bool ParseFromArray(const void*, int) { throw std::runtime_error("unreadable"); }
};

struct Wide {
  int f1 = 1, f2 = 2, f3 = 3, f4 = 4, f5 = 5, f6 = 6, f7 = 7, f8 = 8;
  int g1 = 1, g2 = 2, g3 = 3, g4 = 4, g5 = 5, g6 = 6, g7 = 7, g8 = 8;
  int h1 = 1, h2 = 2, h3 = 3, h4 = 4, h5 = 5, h6 = 6, h7 = 7, h8 = 8;
  int i1 = 1, i2 = 2, i3 = 3, i4 = 4, i5 = 5, i6 = 6, i7 = 7, i8 = 8;
  bool operator==(const Wide&) const = default;
};

}  // namespace penstock::values

template <>
struct penstock::Codec<penstock::values::Foreign> {
  static void encode(const values::Foreign& value, std::string& out) {
    penstock::encode(value.percent(), out);
  }
  static bool decode(Decoder& in, values::Foreign& value) {
    double percent = 0;
    return in.read(percent) && (value.set_percent(percent) || in.fail("percent is out of range"));
  }
  static std::string signature() { return signature_of<double>(); }
};

namespace penstock::values {

inline Chain chain_of(int length) {
  Chain chain;
  for (int i = 1; i < length; ++i) {
    Chain longer;
    longer.value = i;
    longer.next = std::make_unique<Chain>(std::move(chain));
    chain = std::move(longer);
  }
  return chain;
}

template <class Visit>
void visit_numbers(Visit visit) {
  visit(true);
  visit('x');
  visit(std::int8_t{-5});
  visit(std::uint16_t{65535});
  visit(std::numeric_limits<int>::min());
  visit(std::numeric_limits<std::uint64_t>::max());
  visit(1.5F);
  visit(-0.1);
  visit(2.5L);
  visit(std::byte{7});
  visit(u'z');
  visit(Color::kGreen);
  visit(kLarge);
  visit(Checked::kTwo);
  visit(std::complex<float>(1, -2));
  visit(std::chrono::milliseconds(17));
  visit(std::chrono::duration<double>(0.25));
  visit(std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000)));
}

template <class Visit>
void visit_containers(Visit visit) {
  visit(std::string("hello\0there", 11));
  visit(std::u32string(U"wide"));
  visit(std::vector<double>{1, 2, 3});
  visit(std::vector<bool>{true, false, true});
  visit(std::vector<std::byte>(9, std::byte{3}));
  visit(std::vector<std::string>{"a", "", "ccc"});
  visit(std::vector<std::vector<int>>{{1}, {}, {2, 3}});
  visit(std::vector<Empty>(3));
  visit(std::deque<short>{1, 2});
  visit(std::list<std::string>{"x", "y"});
  visit(std::forward_list<int>{4, 5, 6});
  visit(std::array<double, 3>{1, 2, 3});
  visit(std::array<std::string, 2>{"p", "q"});
  visit(std::array<int, 0>{});
  visit(std::set<std::string>{"b", "a"});
  visit(std::multiset<int>{1, 1, 2});
  visit(std::unordered_set<int>{7});
  visit(std::map<std::string, std::vector<int>>{{"k", {1, 2}}, {"l", {}}});
  visit(std::multimap<int, bool>{{1, true}, {1, false}});
  visit(std::unordered_map<std::string, double>{{"one", 1}});
}

template <class Visit>
void visit_compounds(Visit visit) {
  visit(std::optional<int>{});
  visit(std::optional<std::string>{"there"});
  visit(std::optional<std::optional<int>>{std::optional<int>{}});
  visit(std::variant<int, std::string, Small>{std::string("second")});
  visit(std::variant<std::monostate, int>{});
  visit(std::monostate{});
  visit(std::tuple<>{});
  visit(std::tuple<int, std::string, double>{1, "two", 3});
  visit(std::pair<std::string, std::vector<float>>{"f", {1, 2}});
  visit(Empty{});
  visit(Small{"n", 2.5, 3, "note"});
  visit(Nested{{"a", 1, 2, {}}, {{"b", 3, 4, "c"}}, {1, 2, 3}, {Color::kRed, Color::kGreen}, {}});
  visit(Tree{1, {{2, {}}, {3, {{4, {}}, {5, {}}}}}});
  visit(Hidden(4, "private"));
  visit(Foreign());
  visit(std::vector<Foreign>(2));
  visit(Message("from protobuf"));
  visit(Wide());
}

// Calls visit(value) for one or more values of each kind.
template <class Visit>
void visit_all(Visit visit) {
  visit_numbers(visit);
  visit_containers(visit);
  visit_compounds(visit);
  visit(std::make_unique<int>(5));
  visit(std::unique_ptr<std::string>());
  visit(chain_of(4));
}

}  // namespace penstock::values
