// a.combine_latest(b, ...): with every element, the latest of all streams as one tuple, as soon as each has
// one.
//
//   a    -1----2------3--|
//   b    ---x-----y------|
//   out  ---1x-2x-2y--3y-|
//
// CombineLatestOptions come last: a.combine_latest(b, CombineLatestOptions{.emit_on = {0}}) emits only when
// an element of `a` comes. The token of a value is held until another takes its place. The value of a stream
// that was disconnected stays. Ends when all streams that are connected have ended. emit() waits for
// downstream. Streams on two different loops throw LoopError, an emit_on that names no input Error.
#pragma once

#include <array>
#include <tuple>

#include "penstock/detail/join.hpp"
#include "penstock/detail/latest.hpp"
#include "penstock/nodes/options.hpp"

namespace penstock {
namespace detail {

template <class... T>
class CombineLatestNode : public Join<CombineLatestNode<T...>, std::tuple<T...>, T...> {
  using Indices = std::index_sequence_for<T...>;

 public:
  CombineLatestNode(Place place, const std::vector<std::size_t>& emit_on)
      : Join<CombineLatestNode, std::tuple<T...>, T...>(std::move(place), "combine_latest") {
    causes_.fill(emit_on.empty());
    for (const std::size_t index : emit_on) causes_[index] = true;
  }

  template <std::size_t kIndex, class U>
  void receive(U&& value, Delivery& delivery) {
    const Token before = std::get<kIndex>(latest_).set(std::forward<U>(value), delivery);
    if (causes_[kIndex]) emit(delivery, Indices{});
  }

  template <std::size_t kIndex>
  void input_ended(Delivery& delivery) {
    std::get<kIndex>(latest_).ended = true;
    if (over(Indices{})) this->end_down(delivery);
  }

 private:
  template <std::size_t... kIndex>
  void emit(Delivery& delivery, std::index_sequence<kIndex...>) {
    if (!(std::get<kIndex>(latest_).value.has_value() && ...)) return;
    Token tokens;
    ((tokens = Token::join(std::move(tokens), std::get<kIndex>(latest_).token)), ...);
    const WithToken all(delivery, std::move(tokens));
    this->push_down(std::tuple<T...>(*std::get<kIndex>(latest_).value...), delivery);
  }

  template <std::size_t... kIndex>
  bool over(std::index_sequence<kIndex...>) {
    return ((std::get<kIndex>(latest_).ended || this->template port<kIndex>().upstreams() == 0) &&
            ...);
  }

  std::tuple<Latest<T>...> latest_;
  std::array<bool, sizeof...(T)> causes_;
};

}  // namespace detail

template <class T>
template <class... Others>
auto Stream<T>::combine_latest(const Others&... others) const {
  const auto [streams, options] = detail::split_options<CombineLatestOptions>(*this, others...);
  return std::apply(
      [&options = options]<class... S>(const S&... stream) {
        static_assert((detail::AnyStream<S> && ...), "combine_latest() joins streams only");
        constexpr bool kCanBeCopied = (detail::kCopyable<detail::PartOf<S>> && ...);
        static_assert(kCanBeCopied,
                      "combine_latest() emits its values again and again: elements that cannot be copied "
                      "must be shared (map to std::shared_ptr)");
        for (const std::size_t index : options.emit_on) {
          if (index >= sizeof...(S)) throw Error("combine_latest(): emit_on names no input");
        }
        if constexpr (kCanBeCopied) {
          return detail::join_streams<detail::CombineLatestNode<detail::PartOf<S>...>>(
              std::tuple<const S&...>(stream...), options.emit_on);
        } else {
          return detail::refused_stream();
        }
      },
      streams);
}

}  // namespace penstock
