// FunctionCodec<F>: how a callable travels. A pointer to a function or a member function goes as a place in
// a module, a lambda or a functor without pointers as the bytes of its captures, as does a pointer to a
// data member, which is an offset; a functor struct with strings and containers in it as the aggregate that
// it is; one of the library's that is made of others as those, one after the other.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "penstock/codec.hpp"
#include "penstock/detail/module.hpp"
#include "penstock/detail/pointer_free.hpp"

namespace penstock::detail {

template <class F>
concept FunctionPointer = std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>;

// `made_of` is a std::tuple of functions, and all that the struct has; `kName` is for people.
template <class F>
concept ComposedFunction = requires(const F& function) {
  std::tuple_size<decltype(function.made_of)>::value;
  F{function.made_of};
};

enum class Travel { kPointer, kMemberFunction, kBytes, kValue, kNot };

template <class F>
consteval Travel travel_of() {
  if constexpr (FunctionPointer<F>) {
    return Travel::kPointer;
  } else if constexpr (std::is_member_function_pointer_v<F>) {
    return Travel::kMemberFunction;
  } else if constexpr (TravelsAsBytes<F>) {
    return Travel::kBytes;
  } else if constexpr (Encodable<F>) {
    return Travel::kValue;
  } else {
    return Travel::kNot;
  }
}

template <class F>
const char* pretty_name() {
  return __PRETTY_FUNCTION__;
}

// What a pointer to a member function is made of (Itanium C++ ABI, 2.3.2): the address, or for a virtual
// function its place in the table, and what is added to `this`.
struct MemberFunctionParts {
  std::uint64_t function = 0;
  std::int64_t adjustment = 0;

  bool is_virtual() const {
#if defined(__arm__) || defined(__aarch64__)
    return (adjustment & 1) != 0;
#else
    return (function & 1) != 0;
#endif
  }
};

// Holds one F, or none yet. Not std::optional: with g++ 12, asking whether a lambda with captures
// can be assigned, as optional does, makes the compiler forget that it is trivially copyable.
template <class F>
class Kept {
 public:
  Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    if (function_ != nullptr) std::destroy_at(function_);
  }

  // Makes it from the bytes of another one; call each of these once at most.
  void from_bytes(const char* bytes) {
    std::memcpy(storage_, bytes, sizeof(F));
    function_ = std::launder(reinterpret_cast<F*>(storage_));
  }
  template <class... Args>
  F& emplace(Args&&... args) {
    return *(function_ = ::new (static_cast<void*>(storage_)) F(std::forward<Args>(args)...));
  }
  const F& get() const { return *function_; }

 private:
  alignas(F) unsigned char storage_[sizeof(F)];
  F* function_ = nullptr;
};

template <class F, class Functions>
struct ComposedFunctionCodec;

template <class F>
struct [[gnu::visibility("hidden")]] FunctionCodec {
  static constexpr Travel kTravel = travel_of<F>();
  static_assert(
      kTravel != Travel::kNot || !kBytewiseCopyable<F>,
      "this lambda captures a reference, a pointer or 'this', which means nothing in another "
      "process. Capture by value or pass the value as an extra argument.");
  static_assert(
      kTravel != Travel::kNot || kBytewiseCopyable<F>,
      "this lambda captures something that cannot be copied byte for byte (std::string, "
      "std::vector, ...). Pass it as an extra argument, or use a struct with operator().");

  // Throws std::runtime_error for a function that has no place in a module with a build-id.
  static void encode(const F& function, std::string& out) {
    if constexpr (kTravel == Travel::kPointer) {
      const CodeReference reference = reference_to_code(reinterpret_cast<const void*>(function));
      penstock::encode(reference.build_id, out);
      penstock::encode(reference.offset, out);
    } else if constexpr (kTravel == Travel::kMemberFunction) {
      static_assert(sizeof(F) == sizeof(MemberFunctionParts));
      const auto parts = std::bit_cast<MemberFunctionParts>(function);
      CodeReference reference{.build_id = {}, .offset = parts.function};
      if (!parts.is_virtual()) reference = reference_to_code(reinterpret_cast<const void*>(parts.function));
      penstock::encode(reference.build_id, out);
      penstock::encode(reference.offset, out);
      penstock::encode(parts.adjustment, out);
    } else if constexpr (kTravel == Travel::kBytes) {
      append_bytes(function, out);
    } else if constexpr (kTravel == Travel::kValue) {
      penstock::encode(function, out);
    }
  }

  static bool decode(Decoder & in, Kept<F> & out) {
    if constexpr (kTravel == Travel::kPointer) {
      const void* code = read_pointer(in);
      out.emplace(reinterpret_cast<F>(const_cast<void*>(code)));
      return code != nullptr || in.fail(kNotLoaded);
    } else if constexpr (kTravel == Travel::kMemberFunction) {
      CodeReference reference;
      MemberFunctionParts parts;
      if (!in.read(reference.build_id) || !in.read(reference.offset) || !in.read(parts.adjustment)) return false;
      parts.function = reference.offset;
      if (!reference.build_id.empty()) parts.function = reinterpret_cast<std::uint64_t>(find_code(reference));
      out.emplace(std::bit_cast<F>(parts));
      return parts.function != 0 || in.fail(kNotLoaded);
    } else if constexpr (kTravel == Travel::kBytes) {
      char bytes[sizeof(F)] = {};
      if (!std::is_empty_v<F> && !in.bytes(bytes, sizeof bytes)) return false;
      out.from_bytes(bytes);
      return true;
    } else if constexpr (kTravel == Travel::kValue) {
      return in.read(out.emplace());
    } else {
      return false;
    }
  }

  static std::string signature() {
    if constexpr (kTravel == Travel::kPointer || kTravel == Travel::kMemberFunction) return "[*]";
    if constexpr (kTravel == Travel::kValue) return "[" + signature_of<F>() + "]";
    if constexpr (std::is_empty_v<F>) return "";
    return "[" + std::to_string(sizeof(F)) + "]";
  }

  // `encoded` starts with the encoded function.
  static std::string name(std::string_view encoded) {
    if constexpr (kTravel == Travel::kPointer || kTravel == Travel::kMemberFunction) {
      Decoder in(encoded);
      const void* code = read_pointer(in);
      return code == nullptr ? "function" : name_of_code(code);
    } else {
      static const std::string kName =
          name_of_class(typeid(Untrusted<F>), pretty_name<Untrusted<F>>());
      return kName;
    }
  }

 private:
  static constexpr const char* kNotLoaded = "its function belongs to a module that is not loaded here";

  static const void* read_pointer(Decoder & in) {
    CodeReference reference;
    if (!in.read(reference.build_id) || !in.read(reference.offset)) return nullptr;
    return find_code(reference);
  }
};

template <class F, class... Part>
struct [[gnu::visibility("hidden")]] ComposedFunctionCodec<F, std::tuple<Part...>> {
  static void encode(const F& function, std::string& out) {
    std::apply([&](const Part&... part) { (FunctionCodec<Part>::encode(part, out), ...); }, function.made_of);
  }
  static bool decode(Decoder & in, Kept<F> & out) {
    std::tuple<Kept<Part>...> parts;
    return std::apply(
        [&](Kept<Part>&... part) {
          if (!(FunctionCodec<Part>::decode(in, part) && ...)) return false;
          out.emplace(F{{part.get()...}});
          return true;
        },
        parts);
  }
  static std::string signature() { return "[" + (std::string() + ... + FunctionCodec<Part>::signature()) + "]"; }
  static std::string name(std::string_view) { return F::kName; }
};

template <ComposedFunction F>
struct [[gnu::visibility("hidden")]] FunctionCodec<F> : ComposedFunctionCodec<F, decltype(F::made_of)> {};

}  // namespace penstock::detail
