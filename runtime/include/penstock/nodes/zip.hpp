// a.zip(b, ...), zip(a, b, ...): the first elements of all streams as one tuple, the second ones, and so on.
//
//   a    -1----2---3-----|
//   b    ----x---y-----z-|
//   out  ----1x--2y----3z|
//
// An argument that is no stream is part of every tuple: a.zip(b, 5). ZipOptions come last:
// a.zip(b, ZipOptions{.maxsize = 2}).
//
// emit() does not wait for the other side, unless its side is maxsize elements ahead: then until its element
// is within maxsize. The one that completes a tuple waits for downstream. Without a loop nothing can wait,
// and such an emit() throws Error. A tuple carries the tokens of its elements. Streams on two different
// loops throw LoopError. When an input has ended and nothing of it is left, the output ends, and what the
// others hold is dropped.
#pragma once

#include <array>
#include <tuple>

#include "penstock/detail/join.hpp"
#include "penstock/detail/side.hpp"
#include "penstock/nodes/options.hpp"

namespace penstock {
namespace detail {

template <class... Parts>
class ZipNode : public Join<ZipNode<Parts...>, std::tuple<PartValueOf<Parts>...>, Parts...> {
  using Out = std::tuple<PartValueOf<Parts>...>;
  using Indices = std::index_sequence_for<Parts...>;

 public:
  ZipNode(Place place, ZipOptions options, std::tuple<Side<Parts>...> sides)
      : Join<ZipNode, Out, Parts...>(std::move(place), "zip"),
        options_(options),
        sides_(std::move(sides)) {}

  template <std::size_t kIndex, class U>
  void receive(U&& value, Delivery& delivery) {
    if (over_) return;
    if (completes<kIndex>(Indices{})) return emit<kIndex>(std::forward<U>(value), delivery, Indices{});
    std::get<kIndex>(sides_).push(std::forward<U>(value), delivery, options_.maxsize,
                                  this->loop() != nullptr);
  }

  template <std::size_t kIndex>
  void input_ended(Delivery& delivery) {
    std::get<kIndex>(sides_).ended = true;
    end_if_over(delivery);
  }

 private:
  template <std::size_t kIndex, std::size_t... kSide>
  bool completes(std::index_sequence<kSide...>) const {
    return std::get<kIndex>(sides_).empty() &&
           ((kSide == kIndex || !std::get<kSide>(sides_).empty()) && ...);
  }

  template <std::size_t kIndex, class U, std::size_t... kSide>
  void emit(U&& value, Delivery& delivery, std::index_sequence<kSide...>) {
    std::array<Delivery, sizeof...(Parts)> entered;  // let go last: their emits may emit again
    Token tokens = delivery.token();
    ((tokens = Token::join(std::move(tokens), std::get<kSide>(sides_).take_token())), ...);
    Out out = [&]() -> Out {
      const Leave leave{*this, entered};  // of all sides together, also when a move throws
      return Out{take<kSide, kIndex>(std::forward<U>(value))...};
    }();
    const WithToken all(delivery, std::move(tokens));
    this->push_down(std::move(out), delivery);
    end_if_over(delivery);
  }

  template <std::size_t kSide, std::size_t kIndex, class U>
  decltype(auto) take(U&& value) {
    if constexpr (kSide == kIndex) {
      return std::forward<U>(value);
    } else {
      return std::get<kSide>(sides_).front();
    }
  }

  struct Leave {
    ZipNode& node;
    std::array<Delivery, sizeof...(Parts)>& entered;
    ~Leave() {
      [&]<std::size_t... kSide>(std::index_sequence<kSide...>) {
        ((entered[kSide] = std::get<kSide>(node.sides_).pop(node.options_.maxsize)), ...);
      }
      (Indices{});
    }
  };

  void end_if_over(Delivery& delivery) {
    const bool over =
        std::apply([](const auto&... sides) { return (sides.is_over() || ...); }, sides_);
    if (!over || std::exchange(over_, true)) return;
    this->end_down(delivery);
    std::apply([](auto&... sides) { (sides.drop(), ...); }, sides_);
  }

  const ZipOptions options_;
  std::tuple<Side<Parts>...> sides_;
  bool over_ = false;
};

}  // namespace detail

// At least one argument is a stream.
template <class... Args>
auto zip(const Args&... args) {
  static_assert((detail::AnyStream<Args> || ...), "zip() needs at least one stream");
  const auto [parts, options] = detail::split_options<ZipOptions>(args...);
  if (options.maxsize == 0) throw Error("zip(): maxsize must be at least 1");
  return std::apply(
      [&options = options]<class... Parts>(const Parts&... part) {
        static_assert(((detail::AnyStream<Parts> || detail::kCopyable<detail::Stored<Parts>>)&&...),
                      "zip() copies a value that is no stream into every tuple: give it one that can "
                      "be copied, a std::shared_ptr for example");
        return detail::join_streams<detail::ZipNode<detail::PartOf<Parts>...>>(
            std::tuple<const Parts&...>(part...), options,
            std::tuple<detail::Side<detail::PartOf<Parts>>...>(
                detail::Side<detail::PartOf<Parts>>(part)...));
      },
      parts);
}

template <class T>
template <class... Others>
auto Stream<T>::zip(const Others&... others) const {
  return penstock::zip(*this, others...);
}

}  // namespace penstock
