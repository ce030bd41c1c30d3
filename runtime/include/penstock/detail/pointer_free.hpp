// Which functions may travel as the bytes of their captures.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

namespace penstock {

namespace detail {

template <std::size_t kSize>
struct Bytes {
  unsigned char data[kSize];
};

template <std::size_t kSize>
constexpr Bytes<kSize> kZeros{};

}  // namespace detail

// True for types without a pointer, reference or virtual function in them: a bit_cast that yields
// one is no constant expression. Falsely false for types with a union (std::optional) and, with
// clang, for std::complex.
template <class F>
concept PointerFree = std::is_trivially_copyable_v<F> &&(std::is_empty_v<F> || requires {
  typename std::bool_constant<((void)__builtin_bit_cast(F, detail::kZeros<sizeof(F)>), true)>;
});

namespace detail {

// What trivially copyable means for a lambda, which cannot be assigned. g++ 12 answers wrongly to
// is_trivially_copyable when it was asked about the assignment before.
template <class F>
inline constexpr bool kBytewiseCopyable =
    std::is_trivially_copy_constructible_v<F>&& std::is_trivially_destructible_v<F>;

}  // namespace detail

// See trusted().
template <class F>
struct Trusted {
  static_assert(
      std::is_trivially_copyable_v<F>,
      "trusted() copies byte for byte, and this function cannot be copied so. Pass what it "
      "captures as an extra argument, or use a struct with operator().");
  F function;

  template <class... Args>
  requires std::is_invocable_v<const F&, Args...>
  decltype(auto) operator()(Args&&... args) const { return function(std::forward<Args>(args)...); }
};

// The way out where the compiler takes a capture for a pointer that is none (std::optional<int>):
// its captures are copied byte for byte, on the word of the caller.
template <class F>
Trusted<F> trusted(F function) {
  return Trusted<F>{std::move(function)};
}

namespace detail {

template <class F>
inline constexpr bool kIsTrusted = false;
template <class F>
inline constexpr bool kIsTrusted<Trusted<F>> = true;

template <class F>
struct UntrustedType {
  using Type = F;
};
template <class F>
struct UntrustedType<Trusted<F>> {
  using Type = F;
};
template <class F>
using Untrusted = typename UntrustedType<F>::Type;

template <class F>
concept TravelsAsBytes = PointerFree<F> || std::is_member_object_pointer_v<F> ||
                         (kIsTrusted<F> && std::is_trivially_copyable_v<F>);

#if !__has_builtin(__builtin_clear_padding)
// Where there is no builtin, the compiler's own bit_cast tells padding: reading it is no constant.
template <class F>
consteval unsigned char byte_of_zero(std::size_t index) {
  const F zero = __builtin_bit_cast(F, kZeros<sizeof(F)>);
  return __builtin_bit_cast(Bytes<sizeof(F)>, zero).data[index];
}

template <class F, std::size_t kIndex>
concept HasMeaning = requires {
  typename std::integral_constant<unsigned char, byte_of_zero<F>(kIndex)>;
};

template <class F, std::size_t... kIndex>
void clear_padding(char* bytes, std::index_sequence<kIndex...>) {
  ((HasMeaning<F, kIndex> ? void() : void(bytes[kIndex] = 0)), ...);
}
#endif

// Appends the bytes of `function`. Padding is zeroed: it would carry whatever the stack held, and
// equal captures would not be equal bytes.
template <TravelsAsBytes F>
void append_bytes(const F& function, std::string& out) {
  if constexpr (!std::is_empty_v<F>) {
    alignas(F) char bytes[sizeof(F)];
    std::memcpy(bytes, &function, sizeof(F));
#if __has_builtin(__builtin_clear_padding)
    __builtin_clear_padding(reinterpret_cast<F*>(bytes));
#else
    if constexpr (PointerFree<F>) {
      clear_padding<F>(bytes, std::make_index_sequence<sizeof(F)>{});
    }
#endif
    out.append(bytes, sizeof(F));
  }
}

}  // namespace detail

}  // namespace penstock
