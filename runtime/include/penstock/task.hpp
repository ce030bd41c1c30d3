// Task types: for each function that is given to map, starmap, accumulate or submit, one type that
// registers how to run it in another process of the same build, and helpers that make the stage to
// send.
//
//   auto stage = penstock::detail::map_stage<double>([factor](double x) { return factor * x; });
//   auto wire = penstock::detail::make_stage(*stage.entry, stage.constants);
//
// A function may be: a lambda without captures or with captures that hold no pointer, a generic
// lambda, a functor struct, a function. What else the function needs are extra arguments, encoded
// once for each stage. On a worker it is called from several threads at once, through a const
// reference.
#pragma once

#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "penstock/codec.hpp"
#include "penstock/detail/accumulate_batch.hpp"
#include "penstock/detail/function_codec.hpp"
#include "penstock/detail/invoke.hpp"
#include "penstock/detail/registration.hpp"
#include "penstock/detail/shared_values.hpp"
#include "penstock/detail/stage.hpp"
#include "penstock/detail/value.hpp"

namespace penstock::detail {

// What a stage carries with it: the function, and the extra arguments.
template <class F, class... Extra>
struct [[gnu::visibility("hidden")]] Bound {
  Kept<F> function;
  std::tuple<Extra...> extra;

  static std::string constants(const F& given, const Extra&... values) {
    std::string out;
    FunctionCodec<F>::encode(given, out);
    (penstock::encode(values, out), ...);
    return out;
  }

  static absl::StatusOr<std::shared_ptr<const void>> from(std::string_view constants) {
    auto bound = std::make_shared<Bound>();
    Decoder in(constants);
    const bool ok =
        FunctionCodec<F>::decode(in, bound->function) &&
        std::apply([&](auto&... values) { return (in.read(values) && ...); }, bound->extra);
    if (absl::Status status = in.finish(); !ok || !status.ok()) return status;
    return std::shared_ptr<const void>(std::move(bound));
  }

  template <class Call, class T>
  auto apply(T & value) const {
    return std::apply(
        [&](const Extra&... values) { return Call::call(function.get(), value, values...); }, extra);
  }

  void prepare_extra() const {
    std::apply([](const Extra&... values) { (prepare(values), ...); }, extra);
  }
};

template <class F, class... Args>
std::string task_signature(const std::string& result) {
  Signature out;
  out.text(FunctionCodec<F>::signature()).text("(");
  (out.add<Args>().text(","), ...);
  return out.text(")->").text(result).str();
}

// What is the same for all tasks of one argument, one result and one function.
template <class Self, class F, class ArgumentType, class ResultType>
struct [[gnu::visibility("hidden")]] TaskType : Registered<Self> {
  using Argument = ArgumentType;
  using Result = ResultType;
  static_assert(!AwaitableResult<Result>,
                "a function that runs on a worker must be blocking; return a value");

  static std::string function(std::string_view constants) {
    return FunctionCodec<F>::name(constants);
  }
  static absl::Status decode(std::string_view input, Value & value) {
    return penstock::decode(input, value.emplace<Argument>());
  }
  static void encode(const Value& value, std::string& output) {
    penstock::encode(value.get<Result>(), output);
  }
};

// f(value, extra...).
template <class F, class T, class... Extra>
struct [[gnu::visibility("hidden")]] MapTask
    : TaskType<MapTask<F, T, Extra...>, F, T, typename ElementCall<F, T, Extra...>::Result> {
  using Call = ElementCall<F, T, Extra...>;
  using Result = typename Call::Result;

  static std::string constants(const F& function, const Extra&... extra) {
    return Bound<F, Extra...>::constants(function, extra...);
  }
  static std::string signature() { return task_signature<F, T, Extra...>(signature_of<Result>()); }
  static auto bind(std::string_view constants) { return Bound<F, Extra...>::from(constants); }
  static void prepare(const void* bound)
    requires(kIsHandle<Extra> || ...)
  {
    static_cast<const Bound<F, Extra...>*>(bound)->prepare_extra();
  }
  static void call(const void* bound, Value& value) {
    const auto& self = *static_cast<const Bound<F, Extra...>*>(bound);
    Result result = self.template apply<Call>(value.template get<T>());
    value.template emplace<Result>(std::move(result));
  }
};

// f(get<0>(value), get<1>(value), ..., extra...) for tuples, pairs and arrays.
template <class F, class T, class... Extra>
struct [[gnu::visibility("hidden")]] StarmapTask
    : TaskType<StarmapTask<F, T, Extra...>, F, T, typename StarmapCall<F, T, Extra...>::Result> {
  using Call = StarmapCall<F, T, Extra...>;
  using Result = typename Call::Result;

  static std::string constants(const F& function, const Extra&... extra) {
    return Bound<F, Extra...>::constants(function, extra...);
  }
  static std::string signature() { return task_signature<F, T, Extra...>(signature_of<Result>()); }
  static auto bind(std::string_view constants) { return Bound<F, Extra...>::from(constants); }
  static void prepare(const void* bound)
    requires(kIsHandle<Extra> || ...)
  {
    static_cast<const Bound<F, Extra...>*>(bound)->prepare_extra();
  }
  static void call(const void* bound, Value& value) {
    const auto& self = *static_cast<const Bound<F, Extra...>*>(bound);
    Result result = self.template apply<Call>(value.template get<T>());
    value.template emplace<Result>(std::move(result));
  }
};

// Keeps the value when f(value) is kKept, and drops it otherwise: an empty Value, and nothing after it runs.
template <class F, class T, bool kKept>
struct [[gnu::visibility("hidden")]] FilterTask : TaskType<FilterTask<F, T, kKept>, F, T, T> {
  using Call = PlainCall<F, T>;

  static std::string constants(const F& function) { return Bound<F>::constants(function); }
  static std::string signature() { return task_signature<F, T>(kKept ? "filter" : "remove"); }
  static auto bind(std::string_view constants) { return Bound<F>::from(constants); }
  static void call(const void* bound, Value& value) {
    const F& function = static_cast<const Bound<F>*>(bound)->function.get();
    if (static_cast<bool>(Call::call(function, value.get<T>())) != kKept) value.reset();
  }
};

// The items of a range, each encoded.
struct FlattenOutput {
  std::vector<std::string> items;
};

template <class T>
struct [[gnu::visibility("hidden")]] FlattenTask : Registered<FlattenTask<T>> {
  using Argument = T;
  using Result = FlattenOutput;
  static std::string function(std::string_view) { return "flatten"; }
  static std::string signature() { return "flatten" + signature_of<T>(); }
  static absl::StatusOr<std::shared_ptr<const void>> bind(std::string_view) {
    return std::shared_ptr<const void>();
  }
  static absl::Status decode(std::string_view input, Value & value) {
    return penstock::decode(input, value.emplace<T>());
  }
  static void call(const void*, Value& value) {
    FlattenOutput output;
    for (const auto& item : value.get<T>()) {
      penstock::encode(static_cast<const std::ranges::range_value_t<T>&>(item), output.items.emplace_back());
    }
    value.emplace<FlattenOutput>(std::move(output));
  }
  static void encode(const Value& value, std::string& output) {
    penstock::encode(value.get<FlattenOutput>(), output);
  }
};

// A value and what a key function makes of it, both encoded: equal keys are equal bytes.
struct KeyedOutput {
  std::string key;
  std::string value;
};

template <class F, class T>
struct [[gnu::visibility("hidden")]] KeyTask : TaskType<KeyTask<F, T>, F, T, KeyedOutput> {
  using Call = PlainCall<F, T>;
  using Key = typename Call::Result;

  static std::string constants(const F& function) { return Bound<F>::constants(function); }
  static std::string signature() { return task_signature<F, T>("key" + signature_of<Key>()); }
  static auto bind(std::string_view constants) { return Bound<F>::from(constants); }
  static void call(const void* bound, Value& value) {
    const F& function = static_cast<const Bound<F>*>(bound)->function.get();
    KeyedOutput output;
    penstock::encode(Call::call(function, value.get<T>()), output.key);
    penstock::encode(value.get<T>(), output.value);
    value.emplace<KeyedOutput>(std::move(output));
  }
};

// The input of a CallTask. A function pointer is in the constants instead, so that a plan has a
// name.
template <class F, class... Args>
struct [[gnu::visibility("hidden")]] CallInput {
  Kept<F> function;
  std::tuple<Args...> args;
};

// f(args...), once. Captures travel with the arguments: lambdas that differ in them share one plan.
template <class F, class... Args>
struct [[gnu::visibility("hidden")]] CallTask
    : TaskType<CallTask<F, Args...>, F, CallInput<F, Args...>,
               typename PlainCall<F, Args...>::Result> {
  using Call = PlainCall<F, Args...>;
  using Result = typename Call::Result;
  using Input = CallInput<F, Args...>;
  static constexpr bool kPointer = FunctionPointer<F>;

  static std::string constants(const F& function) {
    return kPointer ? Bound<F>::constants(function) : std::string();
  }
  static std::string prefix(const F& function) {
    std::string out;
    if constexpr (!kPointer) FunctionCodec<F>::encode(function, out);
    return out;
  }
  static std::string input(const F& function, const Args&... args) {
    std::string out = prefix(function);
    (penstock::encode(args, out), ...);
    return out;
  }
  static std::string signature() { return task_signature<F, Args...>(signature_of<Result>()); }

  static absl::StatusOr<std::shared_ptr<const void>> bind(std::string_view constants) {
    if constexpr (kPointer) return Bound<F>::from(constants);
    if (!constants.empty()) return absl::InvalidArgumentError("a call has no constants");
    return std::shared_ptr<const void>();
  }
  static absl::Status decode(std::string_view bytes, Value & value) {
    Input& input = value.emplace<Input>();
    Decoder in(bytes);
    if constexpr (!kPointer) {
      if (!FunctionCodec<F>::decode(in, input.function)) return in.finish();
    }
    std::apply([&](auto&... arg) { (void)(in.read(arg) && ...); }, input.args);
    return in.finish();
  }
  static void call(const void* bound, Value& value) {
    const Input& input = value.get<Input>();
    const F* function = nullptr;
    if constexpr (kPointer) {
      function = &static_cast<const Bound<F>*>(bound)->function.get();
    } else {
      function = &input.function.get();
    }
    Result result =
        std::apply(
            [&](const Args&... args) {
              (prepare(args), ...);
              return Call::call(*function, args...);
            },
            input.args);
    value.emplace<Result>(std::move(result));
  }
};

// f(state, value) for a batch of elements in order; see accumulate_batch.hpp.
template <class F, class S, class T, bool kReturnsState, bool kWithState>
struct [[gnu::visibility("hidden")]] AccumulateTask
    : TaskType<AccumulateTask<F, S, T, kReturnsState, kWithState>, F, AccumulateInput<T>, AccumulateOutput> {
  using Batch = AccumulateBatch<F, S, T, kReturnsState, kWithState>;
  using Result = AccumulateOutput;
  using Out = typename Batch::Out;
  static_assert(!AwaitableResult<typename Batch::Raw>,
                "a function that runs on a worker must be blocking; return a value");

  static std::string constants(const F& function) { return Bound<F>::constants(function); }
  static std::string signature() { return task_signature<F, S, T>(signature_of<Out>()); }
  static auto bind(std::string_view constants) { return Bound<F>::from(constants); }
  static void call(const void* bound, Value& value) {
    const F& function = static_cast<const Bound<F>*>(bound)->function.get();
    AccumulateOutput output = Batch::run(function, value.get<AccumulateInput<T>>());
    value.emplace<AccumulateOutput>(std::move(output));
  }
};

// Of a function that is known by its types only.
template <class R, class... Args>
std::string signature_of_call() {
  Signature out;
  out.text("(");
  (out.add<Args>().text(","), ...);
  return out.text(")->").text(signature_of<ValueOf<R>>()).str();
}

// ---- for the client -----------------------------------------------------------------------------

struct StageSpec {
  const TaskEntry* entry = nullptr;
  std::string constants;
  Uses uses = {};  // of the extra arguments
};

template <class... Extra>
Uses uses_of(const Extra&... extra) {
  Uses uses;
  (add_uses(extra, uses), ...);
  return uses;
}

struct CallSpec {
  const TaskEntry* entry = nullptr;
  std::string constants;  // empty unless the function is a pointer
  std::string input;
};

template <class F, class T, class... Extra>
using map_result_t = typename MapTask<std::decay_t<F>, T, Stored<Extra>...>::Result;
template <class F, class T, class... Extra>
using starmap_result_t = typename StarmapTask<std::decay_t<F>, T, Stored<Extra>...>::Result;
template <class F, class... Args>
using call_result_t = typename CallTask<std::decay_t<F>, Stored<Args>...>::Result;
template <class F, class S, class T, bool kReturnsState, bool kWithState = false>
using accumulate_result_t = typename AccumulateTask<std::decay_t<F>, S, T, kReturnsState, kWithState>::Out;
template <class F, class T>
using key_result_t = typename KeyTask<std::decay_t<F>, T>::Key;

// All throw std::runtime_error when `function` is a pointer to a function of a module without
// build-id.
template <class T, class F, class... Extra>
StageSpec map_stage(const F& function, const Extra&... extra) {
  using Task = MapTask<std::decay_t<F>, T, Stored<Extra>...>;
  (void)sizeof(Anchor<&Task::registered>);
  return {&Task::entry, Task::constants(function, extra...), uses_of(extra...)};
}

template <class T, class F, class... Extra>
StageSpec starmap_stage(const F& function, const Extra&... extra) {
  using Task = StarmapTask<std::decay_t<F>, T, Stored<Extra>...>;
  (void)sizeof(Anchor<&Task::registered>);
  return {&Task::entry, Task::constants(function, extra...), uses_of(extra...)};
}

template <class S, class T, bool kReturnsState, bool kWithState = false, class F>
StageSpec accumulate_stage(const F& function) {
  using Task = AccumulateTask<std::decay_t<F>, S, T, kReturnsState, kWithState>;
  (void)sizeof(Anchor<&Task::registered>);
  return {&Task::entry, Task::constants(function)};
}

template <class T, bool kKept, class F>
StageSpec filter_stage(const F& function) {
  using Task = FilterTask<std::decay_t<F>, T, kKept>;
  (void)sizeof(Anchor<&Task::registered>);
  return {&Task::entry, Task::constants(function)};
}

template <class T>
StageSpec flatten_stage() {
  (void)sizeof(Anchor<&FlattenTask<T>::registered>);
  return {&FlattenTask<T>::entry, ""};
}

template <class T, class F>
StageSpec key_stage(const F& function) {
  using Task = KeyTask<std::decay_t<F>, T>;
  (void)sizeof(Anchor<&Task::registered>);
  return {&Task::entry, Task::constants(function)};
}

template <class F, class... Args>
CallSpec call_input(const F& function, const Args&... args) {
  using Task = CallTask<std::decay_t<F>, Stored<Args>...>;
  (void)sizeof(Anchor<&Task::registered>);
  return {&Task::entry, Task::constants(function), Task::input(function, args...)};
}

// The same without the arguments: `input` is what stands before their encodings.
template <class F, class... Args>
CallSpec call_of(const F& function) {
  using Task = CallTask<std::decay_t<F>, Args...>;
  (void)sizeof(Anchor<&Task::registered>);
  return {&Task::entry, Task::constants(function), Task::prefix(function)};
}

}  // namespace penstock::detail
