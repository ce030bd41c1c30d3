// The fields of an aggregate as a tuple of references, without a word from its author.
//
// Why not Boost.PFR, which does the same: users would need Boost to compile their programs, its
// errors speak of its own insides, and counting initialisers as it must (it knows older standards)
// takes longer to compile. Structured bindings and the fact that `{}` initialises exactly one
// field, arrays and nested aggregates included, make it about a hundred lines. What it cannot see
// through: bit-fields, anonymous unions, base classes, fields without a default.
#pragma once

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>

namespace penstock::detail {

inline constexpr std::size_t kMaxFields = 32;

// clang-format off
#define PENSTOCK_BRACES_1 {}
#define PENSTOCK_BRACES_2 PENSTOCK_BRACES_1, {}
#define PENSTOCK_BRACES_3 PENSTOCK_BRACES_2, {}
#define PENSTOCK_BRACES_4 PENSTOCK_BRACES_3, {}
#define PENSTOCK_BRACES_5 PENSTOCK_BRACES_4, {}
#define PENSTOCK_BRACES_6 PENSTOCK_BRACES_5, {}
#define PENSTOCK_BRACES_7 PENSTOCK_BRACES_6, {}
#define PENSTOCK_BRACES_8 PENSTOCK_BRACES_7, {}
#define PENSTOCK_BRACES_9 PENSTOCK_BRACES_8, {}
#define PENSTOCK_BRACES_10 PENSTOCK_BRACES_9, {}
#define PENSTOCK_BRACES_11 PENSTOCK_BRACES_10, {}
#define PENSTOCK_BRACES_12 PENSTOCK_BRACES_11, {}
#define PENSTOCK_BRACES_13 PENSTOCK_BRACES_12, {}
#define PENSTOCK_BRACES_14 PENSTOCK_BRACES_13, {}
#define PENSTOCK_BRACES_15 PENSTOCK_BRACES_14, {}
#define PENSTOCK_BRACES_16 PENSTOCK_BRACES_15, {}
#define PENSTOCK_BRACES_17 PENSTOCK_BRACES_16, {}
#define PENSTOCK_BRACES_18 PENSTOCK_BRACES_17, {}
#define PENSTOCK_BRACES_19 PENSTOCK_BRACES_18, {}
#define PENSTOCK_BRACES_20 PENSTOCK_BRACES_19, {}
#define PENSTOCK_BRACES_21 PENSTOCK_BRACES_20, {}
#define PENSTOCK_BRACES_22 PENSTOCK_BRACES_21, {}
#define PENSTOCK_BRACES_23 PENSTOCK_BRACES_22, {}
#define PENSTOCK_BRACES_24 PENSTOCK_BRACES_23, {}
#define PENSTOCK_BRACES_25 PENSTOCK_BRACES_24, {}
#define PENSTOCK_BRACES_26 PENSTOCK_BRACES_25, {}
#define PENSTOCK_BRACES_27 PENSTOCK_BRACES_26, {}
#define PENSTOCK_BRACES_28 PENSTOCK_BRACES_27, {}
#define PENSTOCK_BRACES_29 PENSTOCK_BRACES_28, {}
#define PENSTOCK_BRACES_30 PENSTOCK_BRACES_29, {}
#define PENSTOCK_BRACES_31 PENSTOCK_BRACES_30, {}
#define PENSTOCK_BRACES_32 PENSTOCK_BRACES_31, {}
#define PENSTOCK_BRACES_33 PENSTOCK_BRACES_32, {}
#define PENSTOCK_NAMES_1 f1
#define PENSTOCK_NAMES_2 PENSTOCK_NAMES_1, f2
#define PENSTOCK_NAMES_3 PENSTOCK_NAMES_2, f3
#define PENSTOCK_NAMES_4 PENSTOCK_NAMES_3, f4
#define PENSTOCK_NAMES_5 PENSTOCK_NAMES_4, f5
#define PENSTOCK_NAMES_6 PENSTOCK_NAMES_5, f6
#define PENSTOCK_NAMES_7 PENSTOCK_NAMES_6, f7
#define PENSTOCK_NAMES_8 PENSTOCK_NAMES_7, f8
#define PENSTOCK_NAMES_9 PENSTOCK_NAMES_8, f9
#define PENSTOCK_NAMES_10 PENSTOCK_NAMES_9, f10
#define PENSTOCK_NAMES_11 PENSTOCK_NAMES_10, f11
#define PENSTOCK_NAMES_12 PENSTOCK_NAMES_11, f12
#define PENSTOCK_NAMES_13 PENSTOCK_NAMES_12, f13
#define PENSTOCK_NAMES_14 PENSTOCK_NAMES_13, f14
#define PENSTOCK_NAMES_15 PENSTOCK_NAMES_14, f15
#define PENSTOCK_NAMES_16 PENSTOCK_NAMES_15, f16
#define PENSTOCK_NAMES_17 PENSTOCK_NAMES_16, f17
#define PENSTOCK_NAMES_18 PENSTOCK_NAMES_17, f18
#define PENSTOCK_NAMES_19 PENSTOCK_NAMES_18, f19
#define PENSTOCK_NAMES_20 PENSTOCK_NAMES_19, f20
#define PENSTOCK_NAMES_21 PENSTOCK_NAMES_20, f21
#define PENSTOCK_NAMES_22 PENSTOCK_NAMES_21, f22
#define PENSTOCK_NAMES_23 PENSTOCK_NAMES_22, f23
#define PENSTOCK_NAMES_24 PENSTOCK_NAMES_23, f24
#define PENSTOCK_NAMES_25 PENSTOCK_NAMES_24, f25
#define PENSTOCK_NAMES_26 PENSTOCK_NAMES_25, f26
#define PENSTOCK_NAMES_27 PENSTOCK_NAMES_26, f27
#define PENSTOCK_NAMES_28 PENSTOCK_NAMES_27, f28
#define PENSTOCK_NAMES_29 PENSTOCK_NAMES_28, f29
#define PENSTOCK_NAMES_30 PENSTOCK_NAMES_29, f30
#define PENSTOCK_NAMES_31 PENSTOCK_NAMES_30, f31
#define PENSTOCK_NAMES_32 PENSTOCK_NAMES_31, f32
#define PENSTOCK_EACH_COUNT(X) \
  X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) \
  X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) \
  X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) \
  X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)
// clang-format on

// The number of fields, kMaxFields + 1 when there are more than kMaxFields.
template <class T>
consteval std::size_t field_count() {
#define PENSTOCK_COUNT(n)                                \
  if constexpr (!requires { T{PENSTOCK_BRACES_##n}; }) { \
    return n - 1;                                        \
  } else  // NOLINT(readability/braces)
  if constexpr (std::is_empty_v<T>) {
    return 0;
  } else
    PENSTOCK_EACH_COUNT(PENSTOCK_COUNT)
  PENSTOCK_COUNT(33) { return kMaxFields + 1; }
#undef PENSTOCK_COUNT
}

// Converts to the bases of T only.
template <class T>
struct AnyBaseOf {
  template <class U>
  requires(std::is_base_of_v<U, T> && !std::same_as<U, T>) operator U() const;
};

template <class T>
concept HasBase = requires {
  T{AnyBaseOf<T>{}};
};

// References to the fields of `t`, const ones when it is const.
template <class T>
constexpr auto tie_fields(T& t) {
  constexpr std::size_t kCount = field_count<std::remove_const_t<T>>();
  static_assert(kCount <= kMaxFields);
#define PENSTOCK_TIE(n)                  \
  if constexpr (kCount == n) {           \
    auto& [PENSTOCK_NAMES_##n] = t;      \
    return std::tie(PENSTOCK_NAMES_##n); \
  } else  // NOLINT(readability/braces)
  PENSTOCK_EACH_COUNT(PENSTOCK_TIE) { return std::tuple<>(); }
#undef PENSTOCK_TIE
}

#undef PENSTOCK_BRACES_1
#undef PENSTOCK_BRACES_2
#undef PENSTOCK_BRACES_3
#undef PENSTOCK_BRACES_4
#undef PENSTOCK_BRACES_5
#undef PENSTOCK_BRACES_6
#undef PENSTOCK_BRACES_7
#undef PENSTOCK_BRACES_8
#undef PENSTOCK_BRACES_9
#undef PENSTOCK_BRACES_10
#undef PENSTOCK_BRACES_11
#undef PENSTOCK_BRACES_12
#undef PENSTOCK_BRACES_13
#undef PENSTOCK_BRACES_14
#undef PENSTOCK_BRACES_15
#undef PENSTOCK_BRACES_16
#undef PENSTOCK_BRACES_17
#undef PENSTOCK_BRACES_18
#undef PENSTOCK_BRACES_19
#undef PENSTOCK_BRACES_20
#undef PENSTOCK_BRACES_21
#undef PENSTOCK_BRACES_22
#undef PENSTOCK_BRACES_23
#undef PENSTOCK_BRACES_24
#undef PENSTOCK_BRACES_25
#undef PENSTOCK_BRACES_26
#undef PENSTOCK_BRACES_27
#undef PENSTOCK_BRACES_28
#undef PENSTOCK_BRACES_29
#undef PENSTOCK_BRACES_30
#undef PENSTOCK_BRACES_31
#undef PENSTOCK_BRACES_32
#undef PENSTOCK_BRACES_33
#undef PENSTOCK_NAMES_1
#undef PENSTOCK_NAMES_2
#undef PENSTOCK_NAMES_3
#undef PENSTOCK_NAMES_4
#undef PENSTOCK_NAMES_5
#undef PENSTOCK_NAMES_6
#undef PENSTOCK_NAMES_7
#undef PENSTOCK_NAMES_8
#undef PENSTOCK_NAMES_9
#undef PENSTOCK_NAMES_10
#undef PENSTOCK_NAMES_11
#undef PENSTOCK_NAMES_12
#undef PENSTOCK_NAMES_13
#undef PENSTOCK_NAMES_14
#undef PENSTOCK_NAMES_15
#undef PENSTOCK_NAMES_16
#undef PENSTOCK_NAMES_17
#undef PENSTOCK_NAMES_18
#undef PENSTOCK_NAMES_19
#undef PENSTOCK_NAMES_20
#undef PENSTOCK_NAMES_21
#undef PENSTOCK_NAMES_22
#undef PENSTOCK_NAMES_23
#undef PENSTOCK_NAMES_24
#undef PENSTOCK_NAMES_25
#undef PENSTOCK_NAMES_26
#undef PENSTOCK_NAMES_27
#undef PENSTOCK_NAMES_28
#undef PENSTOCK_NAMES_29
#undef PENSTOCK_NAMES_30
#undef PENSTOCK_NAMES_31
#undef PENSTOCK_NAMES_32
#undef PENSTOCK_EACH_COUNT

}  // namespace penstock::detail
