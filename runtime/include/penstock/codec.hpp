// Values as bytes, with nothing to write for most types: numbers, bool, enums, std::string, all
// standard containers, optional, variant, tuple, pair, array, chrono durations and time points,
// unique_ptr, complex, protobuf messages, and every aggregate of those, recursive ones included.
//
//   struct Reading { std::string sensor; double value; std::vector<float> samples; };
//
//   std::string bytes;
//   penstock::encode(reading, bytes);
//   Reading copy;
//   absl::Status status = penstock::decode(bytes, copy);
//
// A type with private members has a static member that lists them:
//
//   static auto penstock_fields(auto& t) { return std::tie(t.sensor_, t.value_); }
//
// (A class derived from it inherits that list: give it its own.) For types that cannot be edited,
// specialise penstock::Codec, see detail/codec_kind.hpp. The encoding is for programs of one build:
// it has no versions and no names. All functions are thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "penstock/detail/coder.hpp"
#include "penstock/detail/coder_compound.hpp"
#include "penstock/detail/coder_containers.hpp"

namespace penstock {

namespace detail {

template <class... Open, class T>
consteval bool encodable(Types<T>);

template <class... Open, class... Parts>
consteval bool all_encodable(Types<Open...>, Types<Parts...>) {
  return (encodable<Open...>(Types<Parts>{}) && ...);
}

// `Open` are the aggregates around T: one that contains itself is encodable if all else in it is.
template <class... Open, class T>
consteval bool encodable(Types<T>) {
  if constexpr ((std::is_same_v<T, Open> || ...)) {
    return true;
  } else if constexpr (kind_of<T>() == Kind::kRejected) {
    return false;
  } else {
    return all_encodable(Types<T, Open...>{}, typename Coder<T>::Parts{});
  }
}

template <class T>
Signature& Signature::add() {
  Coder<T>::sign(*this);
  return *this;
}

}  // namespace detail

template <class T>
concept Encodable = detail::encodable<>(detail::Types<T>{});

template <class T>
bool Decoder::read(T& out) {
  return detail::Coder<T>::decode(*this, out);
}

// Appends the encoded value to `out`.
template <class T>
void encode(const T& value, std::string& out) {
  detail::Coder<T>::encode(value, out);
}

// Decodes a value that takes all of `in`. On error `out` holds a part of the value.
template <class T>
absl::Status decode(std::string_view in, T& out) {
  Decoder decoder(in);
  decoder.read(out);
  return decoder.finish();
}

// What the encoding of T consists of: equal signatures can read each other. See
// detail/signature.hpp.
template <class T>
std::string signature_of() {
  detail::Signature signature;
  signature.add<T>();
  return signature.str();
}

}  // namespace penstock
