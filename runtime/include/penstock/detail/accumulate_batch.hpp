// A batch of elements that go through one state, in order, on one worker.
#pragma once

#include <cstdint>
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

struct AccumulateInput {
  std::string state;                  // encoded S
  bool has_state = false;             // false: the first element becomes the state
  std::vector<std::string> elements;  // each an encoded T
};

// The fate of one element. When its function threw, the state stayed as it was.
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

template <class F, class S, class T, bool kReturnsState>
struct [[gnu::visibility("hidden")]] AccumulateBatch {
  using Call = PlainCall<F, S, T>;
  using Raw = typename Call::Result;
  using Out = typename AccumulateResult<Raw, S, kReturnsState>::Out;

  static AccumulateOutput run(const F& function, const AccumulateInput& input) {
    std::optional<S> state;
    if (input.has_state) {
      const absl::Status status = penstock::decode(input.state, state.emplace());
      if (!status.ok()) throw BadInput("the state: " + std::string(status.message()));
    }
    AccumulateOutput output;
    output.items.reserve(input.elements.size());
    for (const std::string& element : input.elements) {
      output.items.push_back(item(function, state, element));
    }
    if (state.has_value()) penstock::encode(*state, output.state);
    return output;
  }

 private:
  static AccumulateItem item(const F& function, std::optional<S>& state, std::string_view element) {
    AccumulateItem item;
    try {
      T value{};
      const absl::Status status = penstock::decode(element, value);
      if (!status.ok()) throw BadInput("bad arguments: " + std::string(status.message()));
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

  // The state changes last, after all that can throw.
  static void step(const F& function, S& state, const T& value, std::string& out) {
    if constexpr (kReturnsState) {
      auto [next, result] = Call::call(function, state, value);
      penstock::encode(result, out);
      state = std::move(next);
    } else {
      S next = Call::call(function, state, value);
      penstock::encode(next, out);
      state = std::move(next);
    }
  }

  static void start(std::optional<S> & state, T & value, std::string & out) {
    if constexpr (!std::is_constructible_v<S, T> ||
                  (kReturnsState && !std::is_constructible_v<Out, const T&>)) {
      throw BadInput("accumulate needs a start: an element cannot become its state and result");
    } else {
      if constexpr (kReturnsState) penstock::encode(Out(std::as_const(value)), out);
      S first(std::move(value));
      if constexpr (!kReturnsState) penstock::encode(first, out);
      state.emplace(std::move(first));
    }
  }
};

}  // namespace penstock::detail
