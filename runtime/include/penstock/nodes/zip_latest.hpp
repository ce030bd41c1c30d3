// lossless.zip_latest(a, ...): every element of the first stream, with the latest of the others.
//
//   in   -1--2-------3---4---|
//   a    ------x-------y---z-|
//   out  ------1x,2x-3x--4y--|
//
// Elements that come before the others have a value wait for it; ZipOptions come last:
// in.zip_latest(a, ZipOptions{.maxsize = 100}). emit() waits only while more than maxsize elements wait so,
// until its own is among these; without a loop it cannot and throws Error. The token of a value is held until
// another takes its place. Ends when the first stream has ended and nothing of it is left, or when another
// has ended without a value. Streams on two different loops throw LoopError.
#pragma once

#include <tuple>

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/join.hpp"
#include "penstock/detail/latest.hpp"
#include "penstock/detail/side.hpp"
#include "penstock/nodes/options.hpp"

namespace penstock {
namespace detail {

template <class T, class... Others>
class ZipLatestNode
    : public Join<ZipLatestNode<T, Others...>, std::tuple<T, Others...>, T, Others...> {
 public:
  ZipLatestNode(Place place, ZipOptions options)
      : Join<ZipLatestNode, std::tuple<T, Others...>, T, Others...>(std::move(place), "zip_latest"),
        options_(options) {}

  template <std::size_t kIndex, class U>
  void receive(U&& value, Delivery& delivery) {
    if (over_) return;
    if constexpr (kIndex == 0) {
      if (all_have_one() && lossless_.empty()) {
        return emit(std::forward<U>(value), delivery.token(), delivery);
      }
      lossless_.push(std::forward<U>(value), delivery, options_.maxsize, this->loop() != nullptr);
    } else {
      const Token before = std::get<kIndex - 1>(latest_).set(std::forward<U>(value), delivery);
      if (all_have_one()) emit_waiting(delivery);
    }
  }

  template <std::size_t kIndex>
  void input_ended(Delivery& delivery) {
    if constexpr (kIndex == 0) {
      lossless_.ended = true;
    } else {
      std::get<kIndex - 1>(latest_).ended = true;
    }
    end_if_over(delivery);
  }

 private:
  bool all_have_one() const {
    return std::apply([](const auto&... latest) { return (latest.value.has_value() && ...); }, latest_);
  }

  void emit_waiting(Delivery& delivery) {
    if (emitting_) return;
    emit_queue(delivery);
    end_if_over(delivery);
  }

  // What comes in meanwhile, in a cycle, stands behind the others and is emitted with them.
  void emit_queue(Delivery& delivery) {
    struct Emitting {
      bool& flag;
      ~Emitting() { flag = false; }
    } emitting{emitting_ = true};
    while (!lossless_.empty()) {
      Delivery entered;  // let go last: its emit may emit again
      const Token token = lossless_.take_token();
      auto leave = [&] { entered = lossless_.pop(options_.maxsize); };
      guarded(*this, delivery, [&] { emit_front(token, delivery, leave); });
    }
  }

  template <class Leave>
  void emit_front(const Token& token, Delivery& delivery, Leave leave) {
    std::optional<T> value;
    try {
      value.emplace(lossless_.front());
    } catch (...) {
      leave();
      throw;
    }
    leave();
    emit(std::move(*value), token, delivery);
  }

  template <class U>
  void emit(U&& value, const Token& token, Delivery& delivery) {
    std::apply(
        [&](const auto&... latest) {
          Token tokens = token;
          ((tokens = Token::join(std::move(tokens), latest.token)), ...);
          const WithToken all(delivery, std::move(tokens));
          this->push_down(std::tuple<T, Others...>(std::forward<U>(value), *latest.value...),
                          delivery);
        },
        latest_);
  }

  void end_if_over(Delivery& delivery) {
    const bool hopeless = std::apply(
        [](const auto&... latest) { return ((latest.ended && !latest.value) || ...); }, latest_);
    if (!hopeless && (!lossless_.is_over() || emitting_)) return;
    if (std::exchange(over_, true)) return;
    this->end_down(delivery);
    lossless_.drop();
  }

  const ZipOptions options_;
  Side<T> lossless_;
  std::tuple<Latest<Others>...> latest_;
  bool emitting_ = false;
  bool over_ = false;
};

}  // namespace detail

template <class T>
template <class... Others>
auto Stream<T>::zip_latest(const Others&... others) const {
  const auto [streams, options] = detail::split_options<ZipOptions>(*this, others...);
  if (options.maxsize == 0) throw Error("zip_latest(): maxsize must be at least 1");
  return std::apply(
      [&options = options]<class First, class... S>(const First& first, const S&... stream) {
        static_assert((detail::AnyStream<S> && ...), "zip_latest() joins streams only");
        static_assert((detail::kCopyable<detail::PartOf<S>> && ...),
                      "zip_latest() emits the values of all streams but the first again and again: "
                      "elements that cannot be copied must be shared (map to std::shared_ptr)");
        return detail::join_streams<detail::ZipLatestNode<T, detail::PartOf<S>...>>(
            std::tuple<const First&, const S&...>(first, stream...), options);
      },
      streams);
}

}  // namespace penstock
