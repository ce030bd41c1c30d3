// A batch of elements that go through one state, in order, on one worker.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "penstock/codec.hpp"
#include "penstock/detail/invoke.hpp"
#include "penstock/detail/registration.hpp"
#include "penstock/detail/task_place.hpp"

namespace penstock::detail {

// An element as it comes in a batch: its encoding, so that one that cannot be decoded harms no other. One that was on a
// worker is itself part of the batch: it may have been made again meanwhile, with another length.
template <class T>
struct AccumulateElement {
  std::string bytes;
  std::optional<T> value;
};

template <class T>
struct AccumulateInput {
  std::string state;       // encoded S
  bool has_state = false;  // false: the first element becomes the state
  std::vector<AccumulateElement<T>> elements;
};

// The encoding of one, where T is unknown.
class AccumulateBatchWriter {
 public:
  AccumulateBatchWriter(const std::string& state, bool has_state, std::size_t elements, std::string& out) : out_(out) {
    penstock::encode(state, out_);
    penstock::encode(has_state, out_);
    encode_length(elements, out_);
  }
  void add(std::string_view element) {
    encode_length(element.size(), out_);
    out_ += element;
    penstock::encode(false, out_);
  }
  // What follows in `out` is the element itself.
  void announce() {
    encode_length(0, out_);
    penstock::encode(true, out_);
  }

 private:
  std::string& out_;
};

// The fate of one element. When its function threw, the state stayed as it was, unless the function changes it
// where it is.
struct AccumulateItem {
  bool ok = false;
  std::string value;       // encoded result
  std::string error_type;  // empty when the element could not be decoded
  std::string error_text;
  std::string worker;         // where it failed,
  std::uint32_t attempt = 0;  // and in which attempt of the batch
};

struct AccumulateOutput {
  std::string state;  // encoded S; empty (no encoded value is) when there is none yet
  std::vector<AccumulateItem> items;
  std::string worker;  // that ran it
};

template <class Raw, class S, bool kReturnsState>
struct AccumulateResult {
  static_assert(std::is_convertible_v<Raw, S>,
                "the function of accumulate must return the new state (or, with returns_state, a "
                "std::pair of the new state and the result).");
  using Out = S;
};
template <class Raw, class S>
struct AccumulateResult<Raw, S, true> {
  static_assert(
      !std::is_same_v<Raw, Raw>,
      "with returns_state, the function of accumulate must return a std::pair or std::tuple "
      "of the new state and the result.");
  using Out = S;
};
template <class Next, class Result, class S>
struct AccumulateResult<std::pair<Next, Result>, S, true> {
  using Out = Result;
};
template <class Next, class Result, class S>
struct AccumulateResult<std::tuple<Next, Result>, S, true> {
  using Out = Result;
};

// Whether F is void(S&, const T&), which changes the state where it is.
template <class F, class S, class T>
consteval bool changes_in_place() {
  if constexpr (std::is_invocable_v<const F&, S&, const T&>) {
    return std::is_void_v<std::invoke_result_t<const F&, S&, const T&>>;
  } else {
    return false;
  }
}
template <class S>
struct StateCall {
  using Result = S;
};

template <class F, class S, class T, bool kReturnsState, bool kWithState>
struct [[gnu::visibility("hidden")]] AccumulateBatch {
  static constexpr bool kInPlace = changes_in_place<F, S, T>() && !kReturnsState;
  using Call = std::conditional_t<kInPlace, StateCall<S>, PlainCall<F, S, T>>;
  using Raw = typename Call::Result;
  using Result = typename AccumulateResult<Raw, S, kReturnsState>::Out;
  using Out = std::conditional_t<kWithState, std::pair<S, Result>, Result>;

  static AccumulateOutput run(const F& function, AccumulateInput<T>& input) {
    std::optional<S> state;
    if (input.has_state) {
      const absl::Status status = penstock::decode(input.state, state.emplace());
      if (!status.ok()) throw BadInput("the state: " + std::string(status.message()));
    }
    AccumulateOutput output;
    output.items.reserve(input.elements.size());
    for (AccumulateElement<T>& element : input.elements) {
      output.items.push_back(item(function, state, element));
    }
    if (state.has_value()) penstock::encode(*state, output.state);
    output.worker = task_place().worker;
    return output;
  }

 private:
  static AccumulateItem item(const F& function, std::optional<S>& state, AccumulateElement<T>& element) {
    AccumulateItem item;
    try {
      T decoded{};
      if (!element.value) {
        const absl::Status status = penstock::decode(element.bytes, decoded);
        if (!status.ok()) throw BadInput("bad arguments: " + std::string(status.message()));
      }
      T& value = element.value ? *element.value : decoded;
      if (state.has_value()) {
        step(function, *state, value, item.value);
      } else {
        start(state, value, item.value);
      }
      item.ok = true;
    } catch (const BadInput& bad) {
      item = failed("", bad.text());
    } catch (...) {
      ExceptionText what = describe_exception();
      item = failed(std::move(what.type), std::move(what.text));
    }
    return item;
  }

  static AccumulateItem failed(std::string type, std::string text) {
    const TaskPlace& place = task_place();
    return {false, "", std::move(type), std::move(text), place.worker, place.attempt};
  }

  // The state changes last, after all that can throw; but where the function changes it itself.
  static void step(const F& function, S& state, const T& value, std::string& out) {
    if constexpr (kInPlace) {
      std::invoke(function, state, value);
      emit(state, state, out);
    } else if constexpr (kReturnsState) {
      auto [next, result] = Call::call(function, state, value);
      emit(next, result, out);
      state = std::move(next);
    } else {
      S next = Call::call(function, state, value);
      emit(next, next, out);
      state = std::move(next);
    }
  }

  static void start(std::optional<S> & state, T & value, std::string & out) {
    if constexpr (!std::is_constructible_v<S, const T&> ||
                  (kReturnsState && !std::is_constructible_v<Result, T>)) {
      throw BadInput("accumulate needs a start: an element cannot become its state and result");
    } else {
      S first(std::as_const(value));
      if constexpr (kReturnsState) {
        emit(first, Result(std::move(value)), out);
      } else {
        emit(first, first, out);
      }
      state.emplace(std::move(first));
    }
  }

  // A pair is encoded as its parts, one after the other.
  static void emit(const S& state, const Result& result, std::string& out) {
    if constexpr (kWithState) penstock::encode(state, out);
    penstock::encode(result, out);
  }
};

}  // namespace penstock::detail
