// The arguments of a task, encoded one after the other; some of them are results of other tasks that are not
// there yet.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "penstock/detail/invoke.hpp"
#include "penstock/detail/task_port.hpp"
#include "penstock/future.hpp"
#include "penstock/task.hpp"

namespace penstock::detail {

// What the function gets for an argument.
template <class A>
struct ArgumentType {
  using Type = Stored<A>;
};
template <class T>
struct ArgumentType<Future<T>> {
  using Type = T;
};
template <class T>
struct ArgumentType<std::vector<Future<T>>> {
  using Type = std::vector<T>;
};
template <class A>
using ArgumentOf = typename ArgumentType<std::remove_cvref_t<A>>::Type;

class CallArguments {
 public:
  // Behind these bytes.
  explicit CallArguments(std::string first) { pieces_.push_back({std::move(first), nullptr}); }

  template <class A>
  void add(const A& argument) {
    if (pieces_.back().cell) pieces_.emplace_back();
    encode(static_cast<const Stored<A>&>(argument), pieces_.back().bytes);
    if constexpr (kIsHandle<A>) uses_.push_back(kept_by(argument));
  }
  // As a value of this type, for a function that is known by its types only.
  template <class Arg, class A>
  void add_as(const A& argument) {
    if constexpr (std::is_same_v<ArgumentOf<A>, std::remove_cvref_t<Arg>>) {
      add(argument);
    } else {
      static_assert(std::is_same_v<A, Stored<A>> || std::is_constructible_v<Arg, const A&>);
      add(static_cast<Arg>(argument));
    }
  }
  template <class T>
  void add(const Future<T>& future) {
    pieces_.push_back({{}, future.cell_pointer()});
  }

  // As the vector of their values.
  template <class T>
  void add(const std::vector<Future<T>>& futures) {
    if (pieces_.back().cell) pieces_.emplace_back();
    encode_length(futures.size(), pieces_.back().bytes);
    for (const Future<T>& future : futures) add(future);
  }

  struct Piece {
    std::string bytes;
    CellPtr cell;  // its value comes here, instead
  };
  std::vector<Piece> take() { return std::move(pieces_); }
  Few<std::shared_ptr<const void>> take_uses() { return std::move(uses_); }

 private:
  std::vector<Piece> pieces_;
  Few<std::shared_ptr<const void>> uses_;
};

// Submits the plan when all arguments are there; the cell settles with the first error of those that failed.
CellPtr submit_with(const PortPtr& port, const PlanPtr& plan, CallArguments arguments);

}  // namespace penstock::detail

namespace penstock {

template <class T>
template <class F, class... Extra>
auto Future<T>::then(const F& function, const Extra&... extra) const {
  const auto port = port_.lock();
  if (!port) throw Error("then(): the client of this future is gone: keep it, or submit to another");
  using Result = detail::call_result_t<F, T, detail::ArgumentOf<Extra>...>;
  const auto call = detail::call_of<F, T, detail::ArgumentOf<Extra>...>(function);
  detail::CallArguments arguments(call.input);
  arguments.add(*this);
  (arguments.add(extra), ...);
  const auto plan = port->call_plan(*call.entry, call.constants, detail::options_of(options_));
  return Future<Result>(detail::submit_with(port, plan, std::move(arguments)), port_, options_);
}

}  // namespace penstock
