// What the operators of a distributed stream are made of besides nodes.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "penstock/detail/invoke.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/stream.hpp"

namespace penstock {

namespace detail {

// The types of the parts of a join: a stream's elements, or a value that is no stream. Options are no parts.
template <class Part>
struct JoinedPart {
  static_assert(!std::is_base_of_v<NodeHandle, Part>,
                "a distributed stream is joined with distributed streams only: scatter() the local one first");
  using Type = std::tuple<Stored<Part>>;
};
template <class U>
struct JoinedPart<DistributedStream<U>> {
  using Type = std::tuple<U>;
};
template <>
struct JoinedPart<ZipOptions> {
  using Type = std::tuple<>;
};
template <>
struct JoinedPart<CombineLatestOptions> {
  using Type = std::tuple<>;
};
template <class Part>
inline constexpr bool kDistributed = false;
template <class U>
inline constexpr bool kDistributed<DistributedStream<U>> = true;

template <class... Part>
using JoinedParts = decltype(std::tuple_cat(std::declval<typename JoinedPart<Part>::Type>()...));

template <class...>
inline constexpr bool kNever = false;

// What frequencies() does with each element.
struct CountElement {
  template <class Counts, class T>
    requires(!std::is_const_v<Counts>)
  void operator()(Counts& counts, const T& element) const {
    ++counts[element];
  }
};

}  // namespace detail

}  // namespace penstock
