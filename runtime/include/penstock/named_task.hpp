// Tasks by name: functions of a library that workers load, for programs that do not have them.
//
//   double vwap(const Trade& trade) { return trade.value / trade.size; }
//   PENSTOCK_TASK(vwap)                                      // in libmarket.so, which workers get with --load
//
//   auto vwap = penstock::remote<double(Trade)>("vwap");     // in any program; no definition, no library
//   trades.scatter().map(vwap).gather().sink(print);
//   client.submit(vwap, trade);
//
// The program says which types it means; a worker whose task of that name has others refuses the call, and
// the error names both. Names are unique in a worker: of two tasks with one name, the one loaded first counts.
#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "penstock/task.hpp"

namespace penstock {

// A task that is known by its name and its types only. R and Args as they are without const and &.
template <class Signature>
class RemoteTask;

template <class R, class... Args>
class RemoteTask<R(Args...)> {
 public:
  using Result = detail::ValueOf<R>;

  explicit RemoteTask(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }

  // For a call with all arguments, or for a map of the one argument.
  detail::Stage stage(detail::NamedForm form) const {
    return {detail::module_of_name(name_), static_cast<std::uint64_t>(form), "task " + name_, name_,
            detail::signature_of_call<R, Args...>(), ""};
  }

 private:
  std::string name_;
};

template <class F>
inline constexpr bool kIsRemoteTask = false;
template <class Signature>
inline constexpr bool kIsRemoteTask<RemoteTask<Signature>> = true;

// Signature: double(Trade, int), without const and references. Throws Error for an empty name or one of more
// than 200 bytes.
template <class Signature>
RemoteTask<Signature> remote(std::string name) {
  detail::check_task_name(name);
  return RemoteTask<Signature>(std::move(name));
}

namespace detail {

// A function as a type.
template <auto kFunction>
struct FunctionObject {
  template <class... A>
    requires std::is_invocable_v<decltype(kFunction), A...>
  decltype(auto) operator()(A&&... arguments) const {
    return kFunction(std::forward<A>(arguments)...);
  }
};

template <auto kFunction, class Type = decltype(kFunction)>
struct NamedFunction;
template <auto kFunction, class R, class... Args>
struct NamedFunction<kFunction, R (*)(Args...)> {
  using F = FunctionObject<kFunction>;
  using Call = CallTask<F, std::remove_cvref_t<Args>...>;

  static NamedEntries entries() {
    (void)sizeof(Anchor<&Call::registered>);
    NamedEntries entries{.call = &Call::entry, .map = nullptr};
    if constexpr (sizeof...(Args) == 1) {
      using Map = MapTask<F, std::remove_cvref_t<Args>...>;
      (void)sizeof(Anchor<&Map::registered>);
      entries.map = &Map::entry;
    }
    return entries;
  }
};

}  // namespace detail
}  // namespace penstock

#define PENSTOCK_TASK_CONCAT_(a, b) a##b
#define PENSTOCK_TASK_VARIABLE_(line) PENSTOCK_TASK_CONCAT_(penstock_named_task_, line)

// At namespace scope, once in the library: makes a function known under this name. A function that is
// overloaded or a template needs a wrapper.
#define PENSTOCK_TASK_AS(name, function)                                              \
  namespace {                                                                         \
  const ::penstock::detail::NamedRegistration PENSTOCK_TASK_VARIABLE_(__COUNTER__)(   \
      name, ::penstock::detail::NamedFunction<&function>::entries());                 \
  }
#define PENSTOCK_TASK(function) PENSTOCK_TASK_AS(#function, function)
