// Coders of arrays and containers: the number of elements (not for arrays), then the elements.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "penstock/detail/coder.hpp"

namespace penstock::detail {

template <class T>
void encode_run(const T* values, std::size_t count, std::string& out) {
  out.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

inline void encode_length(std::size_t length, std::string& out) {
  Coder<std::uint64_t>::encode(length, out);
}

// The number of elements of any container, forward_list included.
template <class T>
std::size_t count_of(const T& values) {
  if constexpr (requires { values.size(); }) {
    return values.size();
  } else {
    return static_cast<std::size_t>(std::distance(values.begin(), values.end()));
  }
}

template <class T>
struct Coder<T, Kind::kArray> {
  using Element = std::remove_reference_t<decltype(*std::begin(std::declval<T&>()))>;
  using Parts = Types<Element>;
  static constexpr std::size_t kCount = sizeof(T) / sizeof(Element);
  static constexpr bool kEmpty = std::is_same_v<T, std::array<Element, 0>>;
  static constexpr std::size_t kMinSize = kEmpty ? 1 : kCount * Coder<Element>::kMinSize;

  static void encode(const T& values, std::string& out) {
    if constexpr (kEmpty) {
      out.push_back('\0');
    } else if constexpr (Raw<Element>) {
      encode_run(std::data(values), kCount, out);
    } else {
      for (const Element& value : values) Coder<Element>::encode(value, out);
    }
  }
  static bool decode(Decoder& in, T& out) {
    if constexpr (kEmpty) {
      std::monostate nothing;
      return in.read(nothing);
    } else if constexpr (Raw<Element>) {
      return in.bytes(std::data(out), sizeof out);
    } else {
      return std::all_of(std::begin(out), std::end(out),
                         [&](Element& value) { return in.read(value); });
    }
  }
  static void sign(Signature& out) {
    out.number(kEmpty ? 0 : kCount).text("[").add<Element>().text("]");
  }
};

template <class T>
struct Coder<T, Kind::kSequence> {
  using Element = typename T::value_type;
  using Parts = Types<Element>;
  static constexpr std::size_t kMinSize = 8;
  static constexpr bool kRun = Raw<Element> && requires(T & t) {
    { t.data() } -> std::same_as<Element*>;
    t.resize(1);
  };
  // Types through which any memory may be read, so that nothing need be zeroed first.
  static constexpr bool kBytes =
      kRun && (std::is_same_v<Element, char> || std::is_same_v<Element, unsigned char> ||
               std::is_same_v<Element, std::byte>);

  static void encode(const T& values, std::string& out) {
    encode_length(count_of(values), out);
    if constexpr (kRun) {
      encode_run(values.data(), values.size(), out);
    } else {
      for (const auto& value : values) Coder<Element>::encode(value, out);
    }
  }

  static bool decode(Decoder& in, T& out) {
    std::size_t count = 0;
    if (!in.length(count, Coder<Element>::kMinSize)) return false;
    if constexpr (kBytes) {
      std::string_view bytes;
      if (!in.take(count, bytes)) return false;
      const auto* first = reinterpret_cast<const Element*>(bytes.data());
      out.assign(first, first + count);
      return true;
    } else if constexpr (kRun) {
      out.resize(count);
      return in.bytes(out.data(), count * sizeof(Element));
    } else {
      if (!in.enter()) return false;
      const bool ok = decode_elements(in, out, count);
      in.leave();
      return ok;
    }
  }

  static void sign(Signature& out) {
    if constexpr (std::is_same_v<T, std::string>) {
      out.text("s");
    } else {
      out.text("[").add<Element>().text("]");
    }
  }

 private:
  static bool decode_elements(Decoder& in, T& out, std::size_t count) {
    out.clear();
    // What is announced need not come: memory follows the bytes that are there.
    if constexpr (requires { out.reserve(count); }) {
      out.reserve(std::min(count, in.left() / sizeof(Element) + 1));
    }
    if constexpr (requires { out.emplace_after(out.before_begin()); }) {
      auto last = out.before_begin();
      for (; count > 0; --count) {
        last = out.emplace_after(last);
        if (!in.read(*last)) return false;
      }
    } else if constexpr (requires {
                           { out.emplace_back() } -> std::same_as<Element&>;
                         }) {
      for (; count > 0; --count) {
        if (!in.read(out.emplace_back())) return false;
      }
    } else {
      for (; count > 0; --count) {
        Element value{};
        if (!in.read(value)) return false;
        out.push_back(std::move(value));
      }
    }
    return true;
  }
};

template <class T>
struct Coder<T, Kind::kSet> {
  using Element = typename T::value_type;
  using Parts = Types<Element>;
  static constexpr std::size_t kMinSize = 8;

  static void encode(const T& values, std::string& out) {
    encode_length(values.size(), out);
    for (const Element& value : values) Coder<Element>::encode(value, out);
  }
  static bool decode(Decoder& in, T& out) {
    std::size_t count = 0;
    if (!in.length(count, Coder<Element>::kMinSize) || !in.enter()) return false;
    out.clear();
    for (; count > 0; --count) {
      Element value{};
      if (!in.read(value)) return false;
      out.emplace_hint(out.end(), std::move(value));
    }
    in.leave();
    return true;
  }
  static void sign(Signature& out) { out.text("<").add<Element>().text(">"); }
};

template <class T>
struct Coder<T, Kind::kMap> {
  using Key = typename T::key_type;
  using Mapped = typename T::mapped_type;
  using Parts = Types<Key, Mapped>;
  static constexpr std::size_t kMinSize = 8;

  static void encode(const T& values, std::string& out) {
    encode_length(values.size(), out);
    for (const auto& [key, mapped] : values) {
      Coder<Key>::encode(key, out);
      Coder<Mapped>::encode(mapped, out);
    }
  }
  static bool decode(Decoder& in, T& out) {
    std::size_t count = 0;
    if (!in.length(count, Coder<Key>::kMinSize + 1) || !in.enter()) return false;
    out.clear();
    for (; count > 0; --count) {
      Key key{};
      Mapped mapped{};
      if (!in.read(key) || !in.read(mapped)) return false;
      out.emplace_hint(out.end(), std::move(key), std::move(mapped));
    }
    in.leave();
    return true;
  }
  static void sign(Signature& out) {
    out.text("<").add<Key>().text(":").template add<Mapped>().text(">");
  }
};

}  // namespace penstock::detail
