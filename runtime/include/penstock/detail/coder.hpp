// Coder<T>: how one kind of type is encoded, decoded and signed. This header has the ones without
// parts; coder_containers.hpp and coder_compound.hpp have the others. Everything is little-endian
// and of fixed width; lengths are 8 bytes, so that a decoder needs no loop and errors can say what
// was missing.
//
//   Parts      the types that must be encodable for T to be
//   kMinSize   the least number of bytes of any encoded T, never 0
#pragma once

#include <bit>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "penstock/detail/codec_kind.hpp"
#include "penstock/detail/decoder.hpp"
#include "penstock/detail/signature.hpp"

namespace penstock::detail {

static_assert(std::endian::native == std::endian::little,
              "the encoding is the memory of a little-endian machine");

template <class... Ts>
struct Types {};

template <class T, Kind kKind = kind_of<T>()>
struct Coder;

template <class T>
struct Coder<T, Kind::kRejected> {
  using Parts = Types<>;
  static constexpr std::size_t kMinSize = 1;
  static void encode(const T&, std::string&) { explain_rejection<T>(); }
  static bool decode(Decoder&, T&) {
    explain_rejection<T>();
    return false;
  }
  static void sign(Signature&) { explain_rejection<T>(); }
};

template <class T>
struct Coder<T, Kind::kUser> {
  using Parts = Types<>;
  static constexpr std::size_t kMinSize = 1;
  static void encode(const T& value, std::string& out) { Codec<T>::encode(value, out); }
  static bool decode(Decoder& in, T& out) { return Codec<T>::decode(in, out); }
  static void sign(Signature& out) { out.text("c:").text(Codec<T>::signature()); }
};

template <class T>
struct Coder<T, Kind::kUnit> {
  using Parts = Types<>;
  static constexpr std::size_t kMinSize = 1;
  // One byte, so that the number of elements in a container stays bounded by the bytes.
  static void encode(const T&, std::string& out) { out.push_back('\0'); }
  static bool decode(Decoder& in, T&) {
    std::uint8_t byte = 0;
    if (!in.bytes(&byte, 1)) return false;
    return byte == 0 || in.fail("an empty value is " + std::to_string(byte));
  }
  static void sign(Signature& out) { out.text(std::is_same_v<T, std::monostate> ? "v" : "{}"); }
};

// Reads a byte that says yes or no; `what` names it in the error.
inline bool read_flag(Decoder& in, bool& out, const char* what) {
  std::uint8_t byte = 0;
  if (!in.bytes(&byte, 1)) return false;
  out = byte == 1;
  return byte <= 1 || in.fail(std::string(what) + " is " + std::to_string(byte));
}

template <class T>
struct Coder<T, Kind::kBool> {
  using Parts = Types<>;
  static constexpr std::size_t kMinSize = 1;
  static void encode(bool value, std::string& out) { out.push_back(value ? '\1' : '\0'); }
  static bool decode(Decoder& in, bool& out) { return read_flag(in, out, "a bool"); }
  static void sign(Signature& out) { out.text("b"); }
};

// Numbers whose memory has no padding: a run of them is copied at once.
template <class T>
concept Raw = kind_of<T>()
== Kind::kNumber && !std::same_as<T, long double>;

template <class T>
struct Coder<T, Kind::kNumber> {
  using Parts = Types<>;
  static constexpr std::size_t kMinSize = sizeof(T);
  static void encode(const T& value, std::string& out) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static bool decode(Decoder& in, T& out) { return in.bytes(&out, sizeof out); }
  static void sign(Signature& out) {
    out.text(std::is_floating_point_v<T> ? "f" : std::is_signed_v<T> ? "i" : "u");
    out.number(sizeof(T));
  }
};

template <>
struct Coder<long double, Kind::kNumber> {
  using Parts = Types<>;
  static constexpr std::size_t kMinSize = sizeof(long double);
  // The x87 format uses 10 of its 16 bytes; the others would carry what was in memory before.
  static constexpr std::size_t kUsed =
      std::numeric_limits<long double>::digits == 64 ? 10 : sizeof(long double);

  static void encode(const long double& value, std::string& out) {
    out.append(reinterpret_cast<const char*>(&value), kUsed);
    out.append(sizeof value - kUsed, '\0');
  }
  static bool decode(Decoder& in, long double& out) { return in.bytes(&out, sizeof out); }
  static void sign(Signature& out) { out.text("f").number(sizeof(long double)); }
};

// Any value of the underlying type is a value of the enum. Where only some make sense, declare
// `constexpr bool penstock_valid(E value)` beside it, and the decoder refuses the others.
template <class T>
struct Coder<T, Kind::kEnum> {
  using Parts = Types<>;
  using Number = std::underlying_type_t<T>;
  static constexpr std::size_t kMinSize = sizeof(T);
  static void encode(const T& value, std::string& out) {
    Coder<Number>::encode(static_cast<Number>(value), out);
  }
  static bool decode(Decoder& in, T& out) {
    Number number{};
    if (!Coder<Number>::decode(in, number)) return false;
    out = static_cast<T>(number);
    if constexpr (requires { penstock_valid(out) ? 1 : 0; }) {
      return penstock_valid(out) || in.fail("an enum is " + std::to_string(+number));
    }
    return true;
  }
  static void sign(Signature& out) { out.text("e").add<Number>(); }
};

// Throws std::invalid_argument when a message does not let itself be serialised (a required field
// of proto2 is missing), or is larger than protobuf can read back.
template <class T>
struct Coder<T, Kind::kMessage> {
  using Parts = Types<>;
  static constexpr std::size_t kMinSize = 8;
  static void encode(const T& value, std::string& out) {
    std::string bytes;
    if (!value.SerializeToString(&bytes) || bytes.size() > INT_MAX) {
      throw std::invalid_argument("a message could not be serialised");
    }
    Coder<std::uint64_t>::encode(bytes.size(), out);
    out += bytes;
  }
  static bool decode(Decoder& in, T& out) {
    std::size_t size = 0;
    std::string_view bytes;
    if (!in.length(size, 1) || !in.take(size, bytes)) return false;
    return (size <= INT_MAX && out.ParseFromArray(bytes.data(), static_cast<int>(size))) ||
           in.fail("a message could not be parsed");
  }
  static void sign(Signature& out) {
    out.text("m:");
    if constexpr (requires(const T& value) { std::string(value.GetTypeName()); }) {
      out.text(T().GetTypeName());
    }
  }
};

}  // namespace penstock::detail
