// DistributedStream<T>: a stream whose maps run on the workers of a cluster.
//
//   source.scatter().map(heavy).map(heavier).gather().sink(print);
//
//   penstock::DistributedStream<int> direct;          // or from the start
//   direct.map(heavy).gather().sink(print);
//   direct.emit(1);
//
// It carries futures, not values. What needs values runs on the workers: map, starmap, pluck, filter, remove,
// flatten, accumulate, frequencies, keyed_accumulate, and the key functions and projections of other nodes.
// Consecutive maps and filters run as one task, on one worker, without a hop between them; where the stream
// branches, each branch is a task of its own on a common input.
//
// What needs none runs here, over futures, as on a local stream: windows, partitions, joins, time. Windows
// and joins wait for their elements, in order, and what they make is one value for the next map:
//
//   auto fits = prices.scatter().map(parse).sliding_window(20).map(fit);   // fit(const std::vector<Price>&)
//   auto both = a.zip(b).starmap(compare);                                 // compare(const A&, const B&)
//
// An element that failed does not come into them: it goes on to gather() alone. In a zip, which pairs elements
// by their number, it takes its place, and the tuple fails. Keys are equal when their
// encodings are. window(n).mean() and its like: distributed_window.hpp. `Here` is the client's loop.
// docs/guide/10-distributed-streams.md says what is guaranteed.
//
// Parallel by default: scatter() lets as many elements in as keep every worker busy, adapting to the
// cluster and to how long the tasks take; buffer(n) sets that number by hand. emit() waits while the
// window is full: that is the back-pressure. A place is free again when gather() has delivered what
// became of its element. Elements that rest in a window or a join have no place; what comes out has one.
//
// Functions are registered at compile time and run in processes of the same build; what may be captured
// and passed: task.hpp.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "penstock/client.hpp"
#include "penstock/detail/distributed_parts.hpp"
#include "penstock/detail/not_on_futures.hpp"
#include "penstock/detail/plucker.hpp"
#include "penstock/detail/remote_nodes.hpp"
#include "penstock/stream.hpp"

namespace penstock {

enum class Order {
  kArrival,     // as the elements came into scatter()
  kKey,         // the same among elements of equal keys, see Stream<T>::scatter_by(); others as they come back
  kCompletion,  // as their outcomes come back
};

struct GatherOptions {
  Order order = Order::kArrival;
};

struct ScatterOptions {
  std::size_t window = 0;                            // elements on their way; 0: adaptive
  std::size_t window_bytes = std::size_t{256} << 20;  // of encoded arguments
};

template <class Out, class State>
class Accumulated;
template <class T>
class DistributedCollected;
template <class T>
class DistributedWindow;

template <class T>
class DistributedStream : public detail::NotOnFutures<T> {
  using Base = detail::NotOnFutures<T>;
  using Places = detail::RemoteSettledNode::Places;
  using Futures = Stream<detail::RemoteElement>;
  using Keyed = Stream<detail::KeyedElement>;

 public:
  using Element = T;

  // A source on the default client, or on this one.
  DistributedStream() : DistributedStream(Client::current()) {}
  explicit DistributedStream(const Client& client, ScatterOptions options = {})
      : DistributedStream(Stream<T>().scatter(client, options)) {}

  // As Stream<T>::emit. Only for streams made as sources: an element enters a scattered stream through
  // the local stream before it. Any thread.
  void emit(T value) const { source().emit(std::move(value)); }
  void emit(T value, Token token) const { source().emit(std::move(value), std::move(token)); }
  template <class CompletionToken = asio::use_awaitable_t<>>
    requires(!std::is_same_v<std::remove_cvref_t<CompletionToken>, Token>)
  auto async_emit(T value, CompletionToken&& completion = {}) const {
    return source().async_emit(std::move(value), std::forward<CompletionToken>(completion));
  }
  template <class CompletionToken = asio::use_awaitable_t<>>
  auto async_emit(T value, Token token, CompletionToken&& completion = {}) const {
    return source().async_emit(std::move(value), std::move(token), std::forward<CompletionToken>(completion));
  }
  void close() const { source().close(); }
  template <class CompletionToken = asio::use_awaitable_t<>>
  auto async_close(CompletionToken&& completion = {}) const {
    return source().async_close(std::forward<CompletionToken>(completion));
  }

  // Applies an operator of one's own: op(stream).
  template <class Op>
  auto pipe(Op&& op) const {
    return std::invoke(std::forward<Op>(op), *this);
  }

  // function(x, extra...) on a worker. It must block and return; awaitables do not compile.
  template <class F, class... Extra>
  auto map(const F& function, const Extra&... extra) const {
    using Result = detail::map_result_t<F, T, Extra...>;
    return mapped<Result>(attach<detail::RemoteMapNode>(
        "map", port_, detail::stage_of(detail::map_stage<T>(function, extra...))));
  }

  // A task that is known by its name: named_task.hpp. It has one argument.
  template <class R, class Arg>
  auto map(const RemoteTask<R(Arg)>& task) const {
    static_assert(std::is_same_v<std::remove_cvref_t<Arg>, T>,
                  "remote<R(Arg)>() must be given the element type of the stream as Arg");
    return mapped<typename RemoteTask<R(Arg)>::Result>(
        attach<detail::RemoteMapNode>("map", port_, task.stage(detail::NamedForm::kMap)));
  }

  // function(get<0>(x), get<1>(x), ..., extra...) on a worker.
  template <class F, class... Extra>
  auto starmap(const F& function, const Extra&... extra) const {
    using Result = detail::starmap_result_t<F, T, Extra...>;
    return mapped<Result>(attach<detail::RemoteMapNode>(
        "starmap", port_, detail::stage_of(detail::starmap_stage<T>(function, extra...))));
  }

  // One or several parts of each element, as Stream<T>::pluck: by their places in a tuple, or by index, key
  // or pointer to member. On a worker.
  template <std::size_t... kIndices>
    requires(sizeof...(kIndices) > 0)
  auto pluck() const {
    if constexpr (detail::check_pluck<T, kIndices...>()) {
      return map(detail::Plucker<detail::PluckElement<kIndices>...>{}).named("pluck");
    } else {
      return *this;
    }
  }
  template <class... Parts>
    requires(sizeof...(Parts) > 0)
  auto pluck(Parts... parts) const {
    if constexpr (detail::check_pluck<T, Parts...>()) {
      return map(detail::make_plucker<T>(std::move(parts)...)).named("pluck");
    } else {
      return *this;
    }
  }

  // What the predicate lets through; on a worker. A dropped element costs no hop more.
  template <class F>
  DistributedStream filter(const F& predicate) const {
    return dropping<true>("filter", predicate);
  }
  template <class F>
  DistributedStream remove(const F& predicate) const {
    return dropping<false>("remove", predicate);
  }

  // Each item of each element, in order, as an element of its own, with a place of its own.
  auto flatten() const {
    if constexpr (std::ranges::range<T>) {
      using Item = std::ranges::range_value_t<T>;
      auto& apart = attach<detail::RemoteMapNode>("flatten", port_, detail::stage_of(detail::flatten_stage<T>()));
      return then<Item>(then<T>(apart).template attach<detail::RemoteFlattenNode>(port_, gate_));
    } else {
      static_assert(std::ranges::range<T>,
                    "flatten() needs elements that are ranges: a std::vector or another container");
      return *this;
    }
  }
  auto concat() const { return flatten(); }

  // A running value, as Stream<T>::accumulate, computed on the workers in order. A lost worker does not
  // break it: the last confirmed state is here. f is State f(const State&, const T&), or void f(State&, const
  // T&), which changes the state where it is. What is returned has reset(state).
  template <class F>
  auto accumulate(const F& function) const {
    detail::check_accumulate<F, T, T>();
    using Out = detail::accumulate_result_t<F, T, T, false>;
    return accumulated<Out, T>(detail::accumulate_stage<T, T, false>(function), std::nullopt);
  }
  template <class F, class State>
  auto accumulate(const F& function, const State& start) const {
    return accumulated_from<false, false>(function, start);
  }
  // f returns {state, output}; the output goes on.
  template <class F, class State>
  auto accumulate(const F& function, const State& start, ReturnsState) const {
    return accumulated_from<true, false>(function, start);
  }
  // A pair of the state and what would go on.
  template <class F, class State>
  auto accumulate(const F& function, const State& start, WithState) const {
    return accumulated_from<false, true>(function, start);
  }
  template <class F, class State>
  auto accumulate(const F& function, const State& start, ReturnsState, WithState) const {
    return accumulated_from<true, true>(function, start);
  }
  template <class... Arguments>
  auto scan(const Arguments&... arguments) const {
    return accumulate(arguments...);
  }

  // How often each distinct element has come so far; counted on the workers.
  auto frequencies() const { return accumulate(detail::CountElement{}, Frequencies<T>()); }

  // A running value for each key(x), each from `start`: pairs of a key and its value, in order. Elements with
  // different keys run at the same time. A key stays on its worker until another one has nothing to do while that is
  // busy. Beyond max_keys, keys that nothing is on its way for are forgotten, the one not used for the longest time
  // first.
  template <class K, class F, class State>
  auto keyed_accumulate(const K& key, const F& function, const State& start) const {
    return keyed_accumulate(key, function, start, {.max_keys = std::numeric_limits<std::size_t>::max()});
  }
  template <class K, class F, class State>
  auto keyed_accumulate(const K& key, const F& function, const State& start, KeyOptions options) const {
    detail::check_accumulate<F, State, T>();
    if (options.max_keys == 0) throw Error("keyed_accumulate(): max_keys must be at least 1");
    using Out = std::pair<detail::key_result_t<K, T>, detail::accumulate_result_t<F, State, T, false>>;
    const auto [stage, keys] = key_nodes(key, Places::kKept);
    auto& made = Keyed(hold_, keys).template attach<detail::RemoteKeyedAccumulateNode>(
        port_, detail::stage_of(detail::accumulate_stage<State, T, false>(function)), options_, *encoded(start),
        options.max_keys);
    keys->pass_errors_to(made);
    outlet_->connect(stage);
    return then<Out>(made);
  }

  // ---- over futures, as on a local stream ----
  DistributedStream slice(std::size_t start, std::optional<std::size_t> end = {}, std::size_t step = 1) const {
    return then<T>(futures().slice(start, end, step).outlet());
  }
  DistributedStream<std::vector<T>> partition(std::size_t n, PartitionOptions options = {}) const {
    return assembled<std::vector<T>>([&](const Futures& s) { return s.partition(n, options); });
  }
  template <class Key>
    requires(!std::is_same_v<Key, PartitionOptions>)
  DistributedStream<std::vector<T>> partition(std::size_t n, const Key& key, PartitionOptions options = {}) const {
    return assembled_by_key<std::vector<T>>(key, [&](const Keyed& s) {
      return s.partition(n, &detail::KeyedElement::key, options);
    });
  }
  template <class Key = std::identity>
  DistributedStream<std::vector<T>> partition_unique(std::size_t n, const Key& key = {},
                                                     Keep keep = Keep::kFirst) const {
    return assembled_by_key<std::vector<T>>(
        key, [&](const Keyed& s) { return s.partition_unique(n, &detail::KeyedElement::key, keep); });
  }
  DistributedStream<std::vector<T>> sliding_window(std::size_t n, bool return_partial = true) const {
    return assembled<std::vector<T>>([&](const Futures& s) { return s.sliding_window(n, return_partial); });
  }
  // Elements of a window that is not over keep their places: with a small window emit() waits for its end.
  DistributedStream<std::vector<T>> timed_window(Interval interval, TimedWindowOptions options = {}) const {
    return assembled<std::vector<T>>([&](const Futures& s) { return s.timed_window(interval, options); },
                                     Places::kKept);
  }
  template <class Key = std::identity>
  DistributedStream<std::vector<T>> timed_window_unique(Interval interval, const Key& key = {},
                                                        Keep keep = Keep::kFirst,
                                                        TimedWindowOptions options = {}) const {
    return assembled_by_key<std::vector<T>>(
        key,
        [&](const Keyed& s) {
          return s.timed_window_unique(interval, &detail::KeyedElement::key, keep, options);
        },
        Places::kKept);
  }
  template <class Key = std::identity>
  DistributedStream unique(UniqueOptions options = {}, const Key& key = {}) const {
    const auto [stage, keys] = key_nodes(key, Places::kKept);
    auto& made = Keyed(hold_, keys).unique(options, &detail::KeyedElement::key)
                     .template attach<detail::RemoteUnkeyNode>();
    keys->pass_errors_to(made);
    outlet_->connect(stage);
    return then<T>(made);
  }
  DistributedCollected<T> collect() const;

  // The last n elements, or those of the last `interval`, with aggregates: distributed_window.hpp.
  DistributedWindow<T> window(std::size_t n) const;
  DistributedWindow<T> window(Interval interval, WindowOptions options = {}) const;

  template <class... Others>
  auto zip(const Others&... others) const {
    return joined(Errors::kInPlace, [](const auto&... parts) { return penstock::zip(parts...); }, others...);
  }
  template <class... Others>
  auto combine_latest(const Others&... others) const {
    return joined(
        Errors::kAround,
        [](const auto& first, const auto&... parts) { return first.combine_latest(parts...); }, others...);
  }
  template <class... Others>
  auto zip_latest(const Others&... others) const {
    return joined(
        Errors::kAround, [](const auto& first, const auto&... parts) { return first.zip_latest(parts...); },
        others...);
  }
  template <class... Others>
  DistributedStream union_with(const Others&... others) const {
    constexpr bool kOneType = (std::is_same_v<Others, DistributedStream> && ...);
    static_assert(kOneType, "union_with() needs distributed streams of one element type: map() the others to "
                            "it first, scatter() local ones");
    if constexpr (kOneType) {
      return then<T>(futures().union_with(others.futures()...).outlet());
    } else {
      return *this;
    }
  }
  template <class... Others>
  DistributedStream merge(const Others&... others) const {
    return union_with(others...);
  }

  DistributedStream delay(Interval interval, DelayOptions options = {}) const {
    return then<T>(futures().delay(interval, options).outlet());
  }
  DistributedStream latest(TimeOptions options = {}) const { return then<T>(futures().latest(options).outlet()); }
  DistributedStream debounce(Interval interval, TimeOptions options = {}) const {
    return then<T>(futures().debounce(interval, options).outlet());
  }
  DistributedStream throttle(Interval interval, TimeOptions options = {}) const {
    return then<T>(futures().throttle(interval, options).outlet());
  }

  // How the tasks of the node before are run: of map, starmap, filter, remove. What runs as one task with it
  // gets the larger of both. Throws Error behind other nodes.
  DistributedStream with(TaskOptions options) const;

  // n elements on their way instead of an adaptive number.
  using Base::buffer;
  DistributedStream buffer(std::size_t n) const {
    if (n == 0) throw Error("buffer(n): n must be at least 1");
    gate_->set_window(n);
    return *this;
  }

  // Elements leave no closer to each other than `interval`; emit() waits. Their tasks run meanwhile.
  DistributedStream rate_limit(Interval interval, TimeOptions options = {}) const {
    return then<T>(futures().rate_limit(interval, options).outlet());
  }

  // Back into the local stream, in order unless told otherwise. The values come out on the loop of the stream
  // before scatter() or, when that has none, on the client's. Errors obey this node's policy: on_error().
  Stream<T> gather(GatherOptions options = {}) const;

  DistributedStream& named(std::string name) {
    node().set_name(std::move(name));
    return *this;
  }

  // ---- for the library ----
  DistributedStream(detail::GraphHold hold, detail::RemoteOutlet* outlet, detail::PortPtr port,
                    std::shared_ptr<detail::ScatterGate> gate,
                    detail::Shared<detail::LoopDomain> local, std::optional<Stream<T>> source,
                    TaskOptions options)
      : Base(std::move(hold), &outlet->node()),
        outlet_(outlet),
        port_(std::move(port)),
        gate_(std::move(gate)),
        local_(std::move(local)),
        source_(std::move(source)),
        options_(options) {}

  // Windows: of window_nodes.hpp, over elements of this stream.
  template <class Windows, class... Arguments>
  DistributedStream<typename Windows::Out> windowed(Arguments&&... arguments) const;

 protected:
  using Base::hold_;
  using Base::node;
  using Base::pin;

 private:
  template <class U>
  friend class DistributedStream;
  template <class U>
  friend class DistributedCollected;

  static std::optional<std::string> encoded(const auto& value) {
    std::string bytes;
    encode(value, bytes);
    return bytes;
  }

  const Stream<T>& source() const {
    if (!source_) throw Error("emit() into the local stream before scatter(), or make the "
                              "DistributedStream itself the source");
    return *source_;
  }

  template <class Node, class... Arguments>
  Node& attach(Arguments&&... arguments) const {
    auto& made = prepare<Node>(std::forward<Arguments>(arguments)...);
    outlet_->connect(&made);
    return made;
  }
  // The same, not connected yet.
  template <class Node, class... Arguments>
  Node& prepare(Arguments&&... arguments) const;

  template <class U>
  DistributedStream<U> then(detail::RemoteOutlet& outlet) const {
    return DistributedStream<U>(hold_, &outlet, port_, gate_, local_, std::nullopt, options_);
  }

  template <class U>
  DistributedStream<U> mapped(detail::RemoteMapNode& mapping) const {
    auto result = then<U>(mapping);
    result.drops_ = drops_;
    return result;
  }
  template <bool kKept, class F>
  DistributedStream dropping(const char* kind, const F& predicate) const;

  template <bool kReturnsState, bool kWithState, class F, class State>
  auto accumulated_from(const F& function, const State& start) const {
    using Form = detail::AccumulateForm;
    detail::check_accumulate<F, State, T, kReturnsState ? Form::kStateAndOutput : Form::kState>();
    using Out = detail::accumulate_result_t<F, State, T, kReturnsState, kWithState>;
    return accumulated<Out, State>(detail::accumulate_stage<State, T, kReturnsState, kWithState>(function),
                                   encoded(start));
  }
  template <class Out, class State>
  Accumulated<Out, State> accumulated(const detail::StageSpec& spec, std::optional<std::string> start) const {
    auto& made = attach<detail::RemoteAccumulateNode>(port_, detail::stage_of(spec), options_, std::move(start));
    return {then<Out>(made), &made};
  }

  // For local nodes that pass each element on. Their tasks run meanwhile; but what a filter drops must be
  // known.
  Futures futures() const {
    if (drops_) return Futures(hold_, &attach<detail::RemoteSettledNode>(port_, Places::kKept));
    return Futures(hold_, &attach<detail::RemoteHopNode>(port_));
  }

  // `local` makes a stream of several futures each of a stream of futures; these make one value each.
  template <class Value, class Local>
  DistributedStream<Value> assembled(const Local& local, Places places = Places::kGivenUp) const {
    auto& settled = prepare<detail::RemoteSettledNode>(port_, places);
    auto& made = assemble_node(local(Futures(hold_, &settled)));
    settled.pass_errors_to(made);
    outlet_->connect(&settled);
    return then<Value>(made);
  }
  template <class Value, class Key, class Local>
  DistributedStream<Value> assembled_by_key(const Key& key, const Local& local,
                                            Places places = Places::kGivenUp) const {
    const auto [stage, keys] = key_nodes(key, places);
    auto& made = assemble_node(local(Keyed(hold_, keys)));
    keys->pass_errors_to(made);
    outlet_->connect(stage);
    return then<Value>(made);
  }
  template <class Several>
  auto& assemble_node(const Stream<Several>& futures) const {
    return futures.template attach<detail::RemoteAssembleNode<Several>>(gate_);
  }

  // The nodes that find the keys. The first is connected last, when all behind them is there.
  using KeyNodes = std::pair<detail::RemoteMapNode*, detail::RemoteKeyNode*>;
  template <class Key>
  KeyNodes key_nodes(const Key& key, Places places) const;

  // `join` makes a stream of tuples of futures of several streams of futures and other parts. Elements that
  // failed go around it, or, where elements are counted, come in, and their tuple fails.
  enum class Errors { kAround, kInPlace };
  template <class Join, class... Others>
  auto joined(Errors errors, const Join& join, const Others&... others) const;

  detail::RemoteOutlet* outlet_;
  detail::PortPtr port_;
  std::shared_ptr<detail::ScatterGate> gate_;
  detail::Shared<detail::LoopDomain> local_;  // of the stream before scatter()
  std::optional<Stream<T>> source_;
  TaskOptions options_;  // of its maps: those of the client it was scattered to
  bool drops_ = false;   // a filter is in what is still to be done
};

}  // namespace penstock

#include "penstock/detail/distributed_impl.hpp"
#include "penstock/distributed_window.hpp"
