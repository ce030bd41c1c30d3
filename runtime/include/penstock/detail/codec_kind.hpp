// Which of the codec's ways a type goes, and what is said to types that go none.
#pragma once

#include <array>
#include <chrono>
#include <complex>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "penstock/detail/aggregate.hpp"

namespace penstock {

class Decoder;

// Specialise it for types that you cannot edit:
//
//   template <> struct penstock::Codec<Foreign> {
//     static void encode(const Foreign& value, std::string& out) { penstock::encode(value.x(),
//     out); } static bool decode(penstock::Decoder& in, Foreign& value) {
//       double x = 0;
//       return in.read(x) && (value.set_x(x) || in.fail("x is out of range"));
//     }
//     static std::string signature() { return penstock::signature_of<double>(); }
//   };
//
// encode() appends at least one byte.
template <class T>
struct Codec;

}  // namespace penstock

namespace penstock::detail {

enum class Kind {
  kUser,    // Codec<T>
  kFields,  // penstock_fields, or an aggregate
  kUnit,    // nothing to say: std::monostate, empty structs
  kBool,
  kNumber,
  kEnum,
  kArray,     // T[n], std::array
  kSequence,  // vector, deque, list, forward_list, basic_string and what looks like them
  kSet,
  kMap,
  kOptional,
  kPointer,  // std::unique_ptr
  kVariant,
  kTuple,  // and pair
  kDuration,
  kTimePoint,
  kComplex,
  kMessage,  // looks like a protobuf message
  kRejected,
};

template <class T, template <class...> class Template>
inline constexpr bool kIs = false;
template <class... Args, template <class...> class Template>
inline constexpr bool kIs<Template<Args...>, Template> = true;

template <class T>
inline constexpr bool kIsStdArray = false;
template <class T, std::size_t kSize>
inline constexpr bool kIsStdArray<std::array<T, kSize>> = true;
template <class T>
inline constexpr bool kIsSpan = false;
template <class T, std::size_t kSize>
inline constexpr bool kIsSpan<std::span<T, kSize>> = true;

template <class T>
concept HasCodec = requires(const T& value, T& target, std::string& out, Decoder& in) {
  Codec<T>::encode(value, out);
  { Codec<T>::decode(in, target) } -> std::same_as<bool>;
  { Codec<T>::signature() } -> std::convertible_to<std::string>;
};

// `enum class`, or `enum E : int`: every value of the underlying type is a value of the enum. For
// other enums the range depends on the enumerators, which a program cannot see, and a value outside
// is undefined behaviour.
template <class T>
concept FixedEnum = std::is_enum_v<T> && requires {
  T{0};
};

template <class T>
concept HasFields = std::is_class_v<T> && requires(T& value) {
  T::penstock_fields(value);
};

template <class T>
concept MessageLike = requires(const T& value, T& target, std::string* out, const char* in) {
  { value.SerializeToString(out) } -> std::same_as<bool>;
  { target.ParseFromArray(in, 0) } -> std::same_as<bool>;
};

// Its elements are its own: not a view, and not a value that iterates over itself.
template <class T>
concept ContainerLike = requires(const T& value, T& target) {
  typename T::value_type;
  requires std::same_as < std::iter_value_t<decltype(value.begin())>,
  typename T::value_type > ;
  requires !std::same_as<T, typename T::value_type>;
  value.end();
  target.clear();
};

template <class T>
concept SequenceLike = ContainerLike<T> &&(
    requires(T& t) { t.emplace_back(); } ||
    requires(T & t, typename T::value_type v) { t.push_back(v); } ||
    requires(T & t) { t.emplace_after(t.before_begin()); });

template <class T>
concept MapLike = ContainerLike<T> && requires {
  typename T::key_type;
  typename T::mapped_type;
};

template <class T>
concept SetLike = ContainerLike<T> && !MapLike<T> && requires {
  typename T::key_type;
};

template <class T>
concept OwningPointer =
    kIs<T, std::unique_ptr> && std::same_as<T, std::unique_ptr<typename T::element_type>>;

template <class T>
concept View = std::same_as<T, std::string_view> || kIsSpan<T> || kIs<T, std::reference_wrapper> ||
    kIs<T, std::basic_string_view>;

template <class T>
concept PlainAggregate =
    std::is_aggregate_v<T> && !std::is_union_v<T> && std::default_initializable<T> && !HasBase<T> &&
    field_count<T>() <= kMaxFields;

template <class T>
consteval Kind kind_of_class() {
  if constexpr (std::is_same_v<T, std::monostate>) return Kind::kUnit;
  if constexpr (View<T>) return Kind::kRejected;
  if constexpr (kIsStdArray<T>) return Kind::kArray;
  if constexpr (kIs<T, std::optional>) return Kind::kOptional;
  if constexpr (kIs<T, std::unique_ptr>) {
    return OwningPointer<T> ? Kind::kPointer : Kind::kRejected;
  }
  if constexpr (kIs<T, std::variant>) return Kind::kVariant;
  if constexpr (kIs<T, std::tuple> || kIs<T, std::pair>) return Kind::kTuple;
  if constexpr (kIs<T, std::complex>) return Kind::kComplex;
  if constexpr (MessageLike<T>) return Kind::kMessage;
  if constexpr (MapLike<T>) return Kind::kMap;
  if constexpr (SetLike<T>) return Kind::kSet;
  if constexpr (SequenceLike<T>) return Kind::kSequence;
  if constexpr (PlainAggregate<T>) return std::is_empty_v<T> ? Kind::kUnit : Kind::kFields;
  return Kind::kRejected;
}

template <class T>
inline constexpr bool kIsDuration = false;
template <class Rep, class Period>
inline constexpr bool kIsDuration<std::chrono::duration<Rep, Period>> = true;

template <class T>
consteval Kind kind_of() {
  if constexpr (std::is_reference_v<T> || std::is_const_v<T> || std::is_volatile_v<T>) {
    return Kind::kRejected;
  } else if constexpr (HasCodec<T>) {
    return Kind::kUser;
  } else if constexpr (HasFields<T>) {
    return std::default_initializable<T> ? Kind::kFields : Kind::kRejected;
  } else if constexpr (std::is_same_v<T, bool>) {
    return Kind::kBool;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::byte>) {
    return Kind::kNumber;
  } else if constexpr (FixedEnum<T>) {
    return Kind::kEnum;
  } else if constexpr (std::is_bounded_array_v<T>) {
    return Kind::kArray;
  } else if constexpr (kIsDuration<T>) {
    return Kind::kDuration;
  } else if constexpr (kIs<T, std::chrono::time_point>) {
    return Kind::kTimePoint;
  } else if constexpr (std::is_class_v<T>) {
    return kind_of_class<T>();
  } else {
    return Kind::kRejected;
  }
}

// Instantiated for a rejected type, and only to say why it was.
template <class T>
constexpr void explain_rejection() {
  using U = std::remove_cvref_t<T>;
  constexpr bool kHandle = std::is_pointer_v<U> || std::is_member_pointer_v<U> ||
                           kIs<U, std::shared_ptr> || kIs<U, std::weak_ptr> ||
                           kIs<U, std::unique_ptr>;
  constexpr bool kAggregate = std::is_aggregate_v<U> && !std::is_union_v<U>;
  if constexpr (std::is_reference_v<T> || std::is_const_v<T> || std::is_volatile_v<T>) {
    static_assert(!std::is_same_v<T, T>,
                  "a reference or const value cannot be decoded into: use the plain type.");
  } else if constexpr (View<U>) {
    static_assert(!std::is_same_v<T, T>,
                  "std::string_view, std::span and std::reference_wrapper refer to memory of this "
                  "process: use std::string, std::vector or the value itself.");
  } else if constexpr (kHandle) {
    static_assert(!std::is_same_v<T, T>,
                  "a pointer means nothing in another process: use the value itself, std::optional "
                  "or std::unique_ptr (of one object, with the default deleter).");
  } else if constexpr (std::is_enum_v<U>) {
    static_assert(!std::is_same_v<T, T>,
                  "an enum without a fixed underlying type cannot be checked when it is decoded: "
                  "declare it `enum E : int`, or specialise penstock::Codec.");
  } else if constexpr (std::is_union_v<U>) {
    static_assert(!std::is_same_v<T, T>,
                  "a union does not say which member is alive: use std::variant.");
  } else if constexpr ((kAggregate || HasFields<U>)&&!std::default_initializable<U>) {
    static_assert(!std::is_same_v<T, T>,
                  "type has no default constructor: values are decoded into a default-constructed "
                  "object. Give every field a default, or specialise penstock::Codec.");
  } else if constexpr (kAggregate && HasBase<U>) {
    static_assert(!std::is_same_v<T, T>,
                  "an aggregate with a base class; add `static auto penstock_fields(auto& t) { "
                  "return std::tie(t.a, t.b); }` to it, with the fields of the base.");
  } else if constexpr (kAggregate) {
    static_assert(
        !std::is_same_v<T, T>,
        "type has more than 32 fields; add `static auto penstock_fields(auto& t) { return "
        "std::tie(t.a, t.b); }` to it, or group its fields.");
  } else {
    static_assert(!std::is_same_v<T, T>,
                  "type is not an aggregate and has no serialiser; add `static auto "
                  "penstock_fields(auto& t) { return std::tie(t.a, t.b); }` to it.");
  }
}

}  // namespace penstock::detail
