// Coders of types made of a fixed number of other types: aggregates, tuples, optionals, pointers,
// variants, points in time and complex numbers.
#pragma once

#include <chrono>
#include <complex>
#include <memory>
#include <tuple>
#include <utility>

#include "penstock/detail/coder.hpp"

namespace penstock::detail {

template <class T>
auto fields_of(T& value) {
  using Plain = std::remove_const_t<T>;
  if constexpr (HasFields<Plain>) {
    return Plain::penstock_fields(value);
  } else {
    return tie_fields(value);
  }
}

template <class Tuple>
struct PartsOf;
template <class... Ts>
struct PartsOf<std::tuple<Ts...>> {
  using Type = Types<std::remove_reference_t<Ts>...>;
};
template <class First, class Second>
struct PartsOf<std::pair<First, Second>> {
  using Type = Types<First, Second>;
};

template <class... Ts>
consteval std::size_t sum_of_min_sizes(Types<Ts...>) {
  return (std::size_t{0} + ... + Coder<Ts>::kMinSize);
}

template <class Tuple>
void encode_each(const Tuple& values, std::string& out) {
  std::apply(
      [&](const auto&... value) {
        (Coder<std::remove_cvref_t<decltype(value)>>::encode(value, out), ...);
      },
      values);
}

template <class Tuple>
bool decode_each(Decoder& in, Tuple&& values) {
  return std::apply([&](auto&... value) { return (in.read(value) && ...); }, values);
}

template <class... Ts>
void sign_each(Signature& out, [[maybe_unused]] std::string_view separator, Types<Ts...>) {
  (out.add<Ts>().text(separator), ...);
}

template <class T>
struct Coder<T, Kind::kFields> {
  using Parts = typename PartsOf<decltype(fields_of(std::declval<T&>()))>::Type;
  static constexpr std::size_t kSum = sum_of_min_sizes(Parts{});
  static constexpr std::size_t kMinSize = kSum == 0 ? 1 : kSum;

  static void encode(const T& value, std::string& out) {
    if constexpr (kSum == 0) out.push_back('\0');
    encode_each(fields_of(value), out);
  }
  static bool decode(Decoder& in, T& out) {
    if constexpr (kSum == 0) {
      std::monostate nothing;
      return in.read(nothing);
    } else {
      return decode_each(in, fields_of(out));
    }
  }
  static void sign(Signature& out) {
    if (out.open(typeid(T))) return;
    out.text("{");
    sign_each(out, ";", Parts{});
    out.text("}");
    out.close();
  }
};

template <class T>
struct Coder<T, Kind::kTuple> {
  using Parts = typename PartsOf<T>::Type;
  static constexpr std::size_t kSum = sum_of_min_sizes(Parts{});
  static constexpr std::size_t kMinSize = kSum == 0 ? 1 : kSum;

  static void encode(const T& value, std::string& out) {
    if constexpr (kSum == 0) out.push_back('\0');
    encode_each(value, out);
  }
  static bool decode(Decoder& in, T& out) {
    if constexpr (kSum == 0) {
      std::monostate nothing;
      return in.read(nothing);
    } else {
      return decode_each(in, out);
    }
  }
  static void sign(Signature& out) {
    out.text("(");
    sign_each(out, ",", Parts{});
    out.text(")");
  }
};

template <class T>
struct Coder<T, Kind::kOptional> {
  using Element = typename T::value_type;
  using Parts = Types<Element>;
  static constexpr std::size_t kMinSize = 1;

  static void encode(const T& value, std::string& out) {
    out.push_back(value ? '\1' : '\0');
    if (value) Coder<Element>::encode(*value, out);
  }
  static bool decode(Decoder& in, T& out) {
    bool present = false;
    out.reset();
    if (!read_flag(in, present, "the flag of an optional")) return false;
    if (!present) return true;
    if (!in.enter() || !in.read(out.emplace())) return false;
    in.leave();
    return true;
  }
  static void sign(Signature& out) { out.text("?").add<Element>(); }
};

template <class T>
struct Coder<T, Kind::kPointer> {
  using Element = typename T::element_type;
  using Parts = Types<Element>;
  static constexpr std::size_t kMinSize = 1;

  static void encode(const T& value, std::string& out) {
    static_assert(!std::is_polymorphic_v<Element>,
                  "a pointer to a polymorphic type would lose the derived part: use std::variant.");
    out.push_back(value ? '\1' : '\0');
    if (value) Coder<Element>::encode(*value, out);
  }
  static bool decode(Decoder& in, T& out) {
    bool present = false;
    out.reset();
    if (!read_flag(in, present, "the flag of a pointer")) return false;
    if (!present) return true;
    out = std::make_unique<Element>();
    if (!in.enter() || !in.read(*out)) return false;
    in.leave();
    return true;
  }
  static void sign(Signature& out) { out.text("*").add<Element>(); }
};

template <class T>
struct Coder<T, Kind::kVariant>;

template <class... Ts>
struct Coder<std::variant<Ts...>, Kind::kVariant> {
  using T = std::variant<Ts...>;
  using Parts = Types<Ts...>;
  static constexpr std::size_t kMinSize = 2;  // the index, and an alternative

  // A variant that lost its value to an exception is encoded, but the decoder refuses it.
  static void encode(const T& value, std::string& out) {
    static_assert(sizeof...(Ts) < 256, "a variant has at most 255 alternatives here.");
    out.push_back(static_cast<char>(value.index()));
    if (value.valueless_by_exception()) return;
    std::visit(
        [&](const auto& part) { Coder<std::remove_cvref_t<decltype(part)>>::encode(part, out); },
        value);
  }
  static bool decode(Decoder& in, T& out) {
    std::uint8_t index = 0;
    if (!in.bytes(&index, 1)) return false;
    if (index >= sizeof...(Ts)) {
      return in.fail("variant index " + std::to_string(index) + " of " +
                     std::to_string(sizeof...(Ts)));
    }
    if (!in.enter()) return false;
    const bool ok = decode_alternative(in, out, index, std::index_sequence_for<Ts...>{});
    in.leave();
    return ok;
  }
  static void sign(Signature& out) {
    out.text("|");
    sign_each(out, "|", Parts{});
  }

 private:
  template <std::size_t... kIndex>
  static bool decode_alternative(Decoder& in, T& out, std::size_t index,
                                 std::index_sequence<kIndex...>) {
    return ((index == kIndex && in.read(out.template emplace<kIndex>())) || ...);
  }
};

template <class T>
struct Coder<T, Kind::kDuration> {
  using Number = typename T::rep;
  using Parts = Types<Number>;
  static constexpr std::size_t kMinSize = Coder<Number>::kMinSize;

  static void encode(const T& value, std::string& out) {
    Coder<Number>::encode(value.count(), out);
  }
  static bool decode(Decoder& in, T& out) {
    Number count{};
    if (!in.read(count)) return false;
    out = T(count);
    return true;
  }
  static void sign(Signature& out) {
    out.text("d(").add<Number>().text(",").number(T::period::num).text("/");
    out.number(T::period::den).text(")");
  }
};

template <class T>
struct Coder<T, Kind::kTimePoint> {
  using Span = typename T::duration;
  using Parts = Types<Span>;
  static constexpr std::size_t kMinSize = Coder<Span>::kMinSize;

  static void encode(const T& value, std::string& out) {
    Coder<Span>::encode(value.time_since_epoch(), out);
  }
  static bool decode(Decoder& in, T& out) {
    Span span{};
    if (!in.read(span)) return false;
    out = T(span);
    return true;
  }
  static void sign(Signature& out) { out.text("t(").add<Span>().text(")"); }
};

template <class T>
struct Coder<T, Kind::kComplex> {
  using Number = typename T::value_type;
  using Parts = Types<Number>;
  static constexpr std::size_t kMinSize = 2 * Coder<Number>::kMinSize;

  static void encode(const T& value, std::string& out) {
    Coder<Number>::encode(value.real(), out);
    Coder<Number>::encode(value.imag(), out);
  }
  static bool decode(Decoder& in, T& out) {
    Number real{};
    Number imaginary{};
    if (!in.read(real) || !in.read(imaginary)) return false;
    out = T(real, imaginary);
    return true;
  }
  static void sign(Signature& out) { out.text("z(").add<Number>().text(")"); }
};

}  // namespace penstock::detail
