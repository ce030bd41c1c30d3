// Client: a program's door to a cluster.
//
//   auto client = penstock::Client::connect("10.0.0.5:8786");   // a running scheduler
//   auto local = penstock::Client::local();                     // scheduler and workers of its own
//   auto future = client.submit(increment, 41);
//   std::vector<int> all = client.gather(client.map(increment, std::vector{1, 2, 3}));
//
// The client owns the work: it keeps every task until its outcome is here and sends it again when a
// worker, the scheduler or a connection is lost. A task may run more than once; its outcome is delivered
// once. Handles are cheap to copy and thread-safe. With the last handle and the last stream of a client
// its connection ends, and so does a local cluster. Futures do not keep it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include "penstock/broadcast.hpp"
#include "penstock/detail/task_port.hpp"
#include "penstock/detail/call_arguments.hpp"
#include "penstock/detail/when_done.hpp"
#include "penstock/future.hpp"
#include "penstock/loop.hpp"
#include "penstock/named_task.hpp"
#include "penstock/task.hpp"

namespace penstock {

struct ClientOptions {
  std::string name = {};   // in the dashboard; empty: program and process id
  // Its share when several clients want the same workers: so many tasks start in its turn. 1 to 1000.
  unsigned weight = 1;
  std::string token = {};  // the scheduler's secret; empty: from the environment, PENSTOCK_TOKEN
  std::chrono::milliseconds connect_timeout{5000};
  std::size_t max_tasks = 1'000'000;                // submit() waits while so many are on their way
  std::size_t max_bytes = std::size_t{2} << 30;     // or so many bytes of arguments
  // Large arguments go to workers of this machine through its memory: one copy, of any size. Without it, and to
  // other machines, they travel in messages.
  bool shared_memory = true;
  // Offers this program to workers that were started with --accept-uploads: when no worker has the code of a task,
  // they run it, and main() has to begin with penstock::init(). Its file is read once, before the first connection.
  // The libraries that it needs must be there.
  bool upload = false;
  // Where gathered streams run that have no loop of their own. None: a thread of the client's own; in
  // async_connect() the executor of the completion token.
  LoopRef loop = {};
};

struct LocalOptions {
  enum class Workers {
    kProcesses,  // re-executes this program, so main() must begin with penstock::init()
    kThreads,    // in this process: nothing to prepare, but a crash takes the program with it
  };
  Workers mode = Workers::kProcesses;
  unsigned workers = 0;  // 0: one for each hardware thread
  unsigned threads = 1;  // of each worker
  std::string resources = {};  // of each worker, for TaskOptions::resources: "gpu=1, memory=4GiB"
  bool dashboard = true;
  std::optional<std::uint16_t> dashboard_port = {};  // none: 8787 or the next free one; 0: any
  ClientOptions client = {};
};

// What the scheduler knows of a worker.
struct WorkerInfo {
  std::string name;
  unsigned threads = 0;
  std::uint64_t memory = 0;        // resident bytes, as it last said
  std::uint64_t memory_limit = 0;  // 0: none
  double cpu = 0;                  // cores in use
  std::uint64_t running = 0;       // tasks on its threads, as far as can be known
  std::uint64_t queued = 0;        // tasks that wait there
  std::uint64_t done = 0;          // since it joined
  std::uint64_t failed = 0;
  bool leaving = false;            // it takes no more tasks
  std::uint64_t waiting = 0;       // tasks there that wait for other tasks
  std::map<std::string, double> resources = {};  // that it has, by name
};

namespace client {
class Session;
}
namespace detail {
class ClientState;
}

class Client {
 public:
  using Workers = LocalOptions::Workers;

  // An empty handle, to be assigned to.
  Client() = default;

  // Throws Error naming the address when no scheduler answers there in time, or refuses us.
  static Client connect(const std::string& address, ClientOptions options = {});

  // The same without blocking: completes with void(std::exception_ptr, Client). In a co_await
  // expression pass options that stand in a variable: GCC 12 destroys a temporary there twice.
  template <class Token = asio::use_awaitable_t<>>
  static auto async_connect(const std::string& address, const ClientOptions& options,
                            Token&& token = {});
  static auto async_connect(const std::string& address);

  // A scheduler in this process and workers beside it, for as long as the client lives.
  static Client local(LocalOptions options = {});

  // The client that was made last and still lives: what scatter() uses without one. Throws Error when
  // there is none. In a task: one of the cluster that runs it, shared by all tasks of the worker.
  //
  //   double simulate(const Plan& plan) {
  //     auto client = penstock::Client::current();
  //     return total(client.gather(client.map(simulate_part, parts_of(plan))));
  //   }
  //
  // While such a task waits for others its worker runs one more in its place, so that they cannot wait for each
  // other; it goes on when a thread is free. At most 1000 tasks of a worker may wait: one more fails with Error. When
  // the worker dies, what its tasks have submitted is dropped, and the tasks run again elsewhere.
  static Client current();

  // Runs function(args...) on a worker. What may be a function or an argument: task.hpp. Blocks while
  // max_tasks or max_bytes are on their way.
  // An argument may be a Future<T>, or a std::vector of them for a std::vector<T>: the task runs with the values when
  // they are there, and fails with the first error of those that failed.
  template <class F, class... Args>
    requires(!kIsRemoteTask<F>)
  auto submit(const F& function, const Args&... args) const
      -> Future<detail::call_result_t<F, detail::ArgumentOf<Args>...>> {
    const auto call = detail::call_of<F, detail::ArgumentOf<Args>...>(function);
    detail::CallArguments arguments(call.input);
    (arguments.add(args), ...);
    return {run(*call.entry, call.constants, std::move(arguments)), port(), options_};
  }

  // Runs a task that is known by its name: named_task.hpp. Otherwise the same.
  template <class R, class... Args, class... Given>
  auto submit(const RemoteTask<R(Args...)>& task, const Given&... args) const
      -> Future<typename RemoteTask<R(Args...)>::Result> {
    constexpr bool kFits = sizeof...(Given) == sizeof...(Args) &&
                           (std::is_convertible_v<const detail::ArgumentOf<Given>&, Args> && ...);
    static_assert(kFits, "these arguments do not fit the types that remote<R(Args...)>() was given");
    detail::CallArguments arguments{std::string()};
    if constexpr (kFits) (arguments.add_as<Args>(args), ...);
    return {run(task.stage(detail::NamedForm::kCall), std::move(arguments)), port(), options_};
  }

  // The same client, whose submit() and map() run tasks with these options. Streams have with() of their own.
  Client with(TaskOptions options) const {
    Client client = *this;
    client.options_ = std::make_shared<const TaskOptions>(std::move(options));
    return client;
  }

  // submit(function, element, extra...) for each element of a range.
  template <class F, std::ranges::input_range Range, class... Extra>
  auto map(const F& function, const Range& range, const Extra&... extra) const {
    using Element = detail::ArgumentOf<std::ranges::range_value_t<Range>>;
    std::vector<Future<detail::call_result_t<F, Element, detail::ArgumentOf<Extra>...>>> futures;
    if constexpr (std::ranges::sized_range<Range>) futures.reserve(std::ranges::size(range));
    for (const auto& value : range) futures.push_back(submit(function, value, extra...));
    return futures;
  }

  // The values of all futures, in order. Throws the first error in that order.
  template <class T>
  std::vector<T> gather(const std::vector<Future<T>>& futures) const {
    std::vector<T> values;
    values.reserve(futures.size());
    for (const auto& future : futures) values.push_back(future.get());
    return values;
  }

  // The same without blocking: completes with void(std::exception_ptr, std::vector<T>). T needs a default
  // value.
  template <class T, class Token = asio::use_awaitable_t<>>
  auto async_gather(std::vector<Future<T>> futures, Token&& token = {}) const {
    return penstock::async_gather(std::move(futures), std::forward<Token>(token));
  }

  // Brings a value to a worker, from where tasks get it that it is an argument of: for what many tasks need. As a
  // task that returns it. What all tasks need is better broadcast().
  template <class T>
  Future<T> scatter(const T& value) const {
    std::string bytes;
    encode(value, bytes);
    return {store(std::move(bytes)), port(), options_};
  }

  // Gives each worker a copy, those that come later too: for models and tables. See broadcast.hpp. Returns at once.
  template <class T>
  Broadcast<T> broadcast(T value) const {
    auto own = std::make_shared<const T>(std::move(value));
    std::string bytes;
    encode(*own, bytes);
    std::string name = new_name();
    auto uses = share(name, std::move(bytes));
    return {std::move(name), std::move(own), std::move(uses)};
  }

  // Publishes a value for other clients, under a name, until withdraw() or the end of this client: it stays with its
  // owner. A Future is published at once; who gets it waits for its value, and reads a large one from its worker. A
  // name of this client's may be published again, for those who ask from then on. Waits for the scheduler; throws
  // Error when another client has the name.
  template <class T>
  void publish(const std::string& name, const T& value) const {
    publish(name, future_of(value));
  }
  template <class T>
  void publish(const std::string& name, const Future<T>& future) const {
    wait_until_published(name, signature_of<T>(), future.cell_pointer());
  }
  // Completes with void(std::exception_ptr).
  template <class T, class Token = asio::use_awaitable_t<>>
  auto async_publish(const std::string& name, const T& value, Token&& token = {}) const {
    const auto start = [client = *this, name](const auto& future) {
      using Value = typename std::remove_cvref_t<decltype(future)>::Value;
      return [client, name, cell = future.cell_pointer()](Done done) {
        client.start_publishing(name, signature_of<Value>(), cell, std::move(done));
      };
    };
    if constexpr (detail::kIsFuture<T>) {
      return detail::when_done(start(value), std::forward<Token>(token));
    } else {
      return detail::when_done(start(future_of(value)), std::forward<Token>(token));
    }
  }
  // Nobody gets it any more. Harmless when this client has not published it.
  void withdraw(const std::string& name) const;

  // What a client has published under this name; waits until one has. Throws Error after `timeout`, when it is of
  // another type, or when its task has failed.
  template <class T>
  T get(const std::string& name, Duration timeout = std::chrono::seconds(10)) const {
    return decoded<T>(name, wait_for_published(name, signature_of<T>(), timeout));
  }
  // Completes with void(std::exception_ptr, T). T needs a default value.
  template <class T, class Token = asio::use_awaitable_t<>>
  auto async_get(const std::string& name, Duration timeout = std::chrono::seconds(10), Token&& token = {}) const;

  // All names that are published, by any client. Waits for the scheduler.
  std::vector<std::string> published() const;
  // Completes with void(std::exception_ptr, std::vector<std::string>).
  template <class Token = asio::use_awaitable_t<>>
  auto async_published(Token&& token = {}) const {
    return detail::when_done<std::vector<std::string>>(
        [client = *this](Names names) { client.start_asking_for_names(std::move(names)); }, std::forward<Token>(token));
  }

  // None of these outcomes is wanted any more: as Future<T>::cancel().
  template <class T>
  void cancel(const std::vector<Future<T>>& futures) const {
    for (const auto& future : futures) future.cancel();
  }

  // Runs function(args...) once on each worker that is there now; the futures by the workers' names. For what a
  // worker has to have, or to tell. One that goes first leaves a future that failed with WorkerLost. Waits for the
  // scheduler.
  template <class F, class... Args>
  auto run_on_all(const F& function, const Args&... args) const {
    return run_on(list_workers(), function, args...);
  }
  // The same on these workers, but for those that are leaving. Asks nobody: run_on(co_await async_list_workers(), ...).
  template <class F, class... Args>
  auto run_on(const std::vector<WorkerInfo>& workers, const F& function, const Args&... args) const {
    std::map<std::string, Future<detail::call_result_t<F, detail::ArgumentOf<Args>...>>> futures;
    TaskOptions options = this->options();
    for (const WorkerInfo& worker : workers) {
      if (worker.leaving) continue;
      options.worker = worker.name;
      futures.emplace(worker.name, with(options).submit(function, args...));
    }
    return futures;
  }

  // The workers that are there, in the order in which they came. Waits for the scheduler; throws Error when the
  // client is closed first.
  std::vector<WorkerInfo> list_workers() const;
  // Completes with void(std::exception_ptr, std::vector<WorkerInfo>).
  template <class Token = asio::use_awaitable_t<>>
  auto async_list_workers(Token&& token = {}) const {
    return ask(std::nullopt, std::forward<Token>(token));
  }

  // Tells workers, by name, to finish what runs and to leave for good, as SIGTERM does. What waits there runs
  // elsewhere; large values that stay there are made again when somebody needs them. Returns those that there
  // were: when they were told, not when they are gone. Waits for the scheduler, and throws, as list_workers().
  std::vector<WorkerInfo> retire_workers(const std::vector<std::string>& names) const;
  template <class Token = asio::use_awaitable_t<>>
  auto async_retire_workers(std::vector<std::string> names, Token&& token = {}) const {
    return ask(std::move(names), std::forward<Token>(token));
  }

  // Workers and threads of the cluster, as the scheduler last said.
  unsigned workers() const;
  unsigned threads() const;
  // Throws Error when there are not so many in time.
  void wait_for_workers(unsigned count, Duration timeout = std::chrono::seconds(30)) const;
  // Completes with void(std::exception_ptr). Takes a thread while it waits.
  template <class Token = asio::use_awaitable_t<>>
  auto async_wait_for_workers(unsigned count, Duration timeout = std::chrono::seconds(30), Token&& token = {}) const {
    const auto work = [count, timeout](const Client& client) { client.wait_for_workers(count, timeout); };
    return detail::when_done([client = *this, work](Done done) { client.start_apart(work, std::move(done)); },
                             std::forward<Token>(token));
  }

  // Of the scheduler, host:port: for other clients.
  std::string address() const;

  // The address of the status page; empty when there is none.
  std::string dashboard() const;

  // Waits until every task that was sent has its outcome, then ends the connection. What is submitted later
  // fails with TaskRefused. Not for a stream that is running: drain() it first.
  void close() const;
  // Completes with void(std::exception_ptr).
  template <class Token = asio::use_awaitable_t<>>
  auto async_close(Token&& token = {}) const {
    const auto work = [](const Client& client) { client.close(); };
    return detail::when_done([client = *this, work](Done done) { client.start_apart(work, std::move(done)); },
                             std::forward<Token>(token));
  }

  explicit operator bool() const { return state_ != nullptr; }

  // ---- for streams ----
  detail::PortPtr port() const;
  const TaskOptions& options() const { return detail::options_of(options_); }
  bool has_ended() const;  // closed, or refused for good
  explicit Client(std::shared_ptr<detail::ClientState> state) : state_(std::move(state)) {}

 private:
  using Connected = detail::Done<Client>;
  static void start_connect(const std::string& address, ClientOptions options, Connected connected);
  // Lists the workers, or retires these.
  using Listed = detail::Done<std::vector<WorkerInfo>>;
  void start_asking(std::optional<std::vector<std::string>> retired, Listed listed) const;
  template <class Token>
  auto ask(std::optional<std::vector<std::string>> retired, Token&& token) const {
    return detail::when_done<std::vector<WorkerInfo>>(
        [client = *this, names = std::move(retired)](Listed listed) { client.start_asking(names, std::move(listed)); },
        std::forward<Token>(token));
  }
  using Names = detail::Done<std::vector<std::string>>;
  void start_asking_for_names(Names names) const;
  client::Session& session() const;
  using Got = detail::Done<std::string>;  // the encoded value
  using Done = detail::Done<>;
  template <class T>
  Future<T> future_of(const T& value) const;
  template <class T>
  static T decoded(const std::string& name, const std::string& bytes);
  // work() on a thread of its own.
  void start_apart(std::function<void(const Client&)> work, Done done) const;
  void start_publishing(const std::string& name, std::string signature, detail::CellPtr value, Done done) const;
  void wait_until_published(const std::string& name, std::string signature, detail::CellPtr value) const;
  void start_getting(const std::string& name, const std::string& signature, Duration timeout, Got got) const;
  std::string wait_for_published(const std::string& name, const std::string& signature, Duration timeout) const;
  detail::CellPtr cell_of(std::string bytes) const;
  detail::CellPtr store(std::string bytes) const;
  std::shared_ptr<const void> share(const std::string& name, std::string bytes) const;
  static std::string new_name();  // differs from all others
  detail::CellPtr run(const detail::TaskEntry& entry, const std::string& constants,
                      detail::CallArguments arguments) const;
  detail::CellPtr run(const detail::Stage& named, detail::CallArguments arguments) const;

  std::shared_ptr<detail::ClientState> state_;
  detail::TaskOptionsPtr options_;
};

// A small value is here; a large one stays on a worker.
template <class T>
Future<T> Client::future_of(const T& value) const {
  std::string bytes;
  encode(value, bytes);
  return {cell_of(std::move(bytes)), port(), options_};
}

template <class T>
T Client::decoded(const std::string& name, const std::string& bytes) {
  T value{};
  if (const absl::Status status = decode(bytes, value); !status.ok()) {
    throw Error("what is published as '" + name + "' cannot be decoded: " + std::string(status.message()));
  }
  return value;
}

template <class T, class Token>
auto Client::async_get(const std::string& name, Duration timeout, Token&& token) const {
  return asio::async_initiate<Token, void(std::exception_ptr, T)>(
      [](auto handler, Client client, std::string as, Duration time) {
        const auto executor = detail::with_work(asio::get_associated_executor(handler));
        const auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        client.start_getting(as, signature_of<T>(), time,
                             [executor, shared, as](std::exception_ptr error, std::string bytes) {
          asio::post(executor, [shared, as, error, bytes = std::move(bytes)]() mutable {
            T value{};
            try {
              if (!error) value = decoded<T>(as, bytes);
            } catch (...) {
              error = std::current_exception();
            }
            std::move (*shared)(std::move(error), std::move(value));
          });
        });
      },
      token, *this, name, timeout);
}

template <class Token>
auto Client::async_connect(const std::string& address, const ClientOptions& options,
                           Token&& token) {
  return asio::async_initiate<Token, void(std::exception_ptr, Client)>(
      [](auto handler, const std::string& where, ClientOptions with) {
        const asio::any_io_executor executor = asio::get_associated_executor(handler);
        if (!with.loop) with.loop = LoopRef(executor);
        detail::when_done<Client>(
            [&](detail::Done<Client> done) { start_connect(where, std::move(with), std::move(done)); },
            std::move(handler));
      },
      token, address, options);
}

inline auto Client::async_connect(const std::string& address) {
  return async_connect(address, ClientOptions{}, asio::use_awaitable);
}

}  // namespace penstock
