#include "penstock/client.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <optional>
#include <thread>

#include <spdlog/fmt/fmt.h>
#include "absl/functional/function_ref.h"

#include "client/callback_thread.hpp"
#include "client/client_state.hpp"
#include "penstock/detail/task_host.hpp"
#include "penstock/error.hpp"
#include "proto/address.hpp"
#include "proto/limits.hpp"
#include "proto/shared_bytes.hpp"
#include "proto/token.hpp"

namespace penstock {
namespace detail {
namespace {

std::mutex current_mutex;
std::vector<std::weak_ptr<ClientState>>& current_clients() {
  static auto* clients = new std::vector<std::weak_ptr<ClientState>>;
  return *clients;
}

void make_current(const std::shared_ptr<ClientState>& state) {
  std::lock_guard lock(current_mutex);
  auto& clients = current_clients();
  std::erase_if(clients, [](const auto& client) { return client.expired(); });
  clients.push_back(state);
}

std::string checked(const std::string& address) {
  auto complete = proto_address::complete(address);
  if (!complete.ok()) throw Error(std::string(complete.status().message()));
  return *std::move(complete);
}

// The last reference may go in a callback of gRPC, which must not wait for the connection to end.
std::shared_ptr<ClientState> make_state(std::shared_ptr<Loop> loop, std::shared_ptr<void> cluster) {
  return {new ClientState(std::move(loop), std::move(cluster)), [](ClientState* state) {
            client::CallbackThread::dispose(state);
          }};
}

}  // namespace

client::SessionOptions session_options(const ClientOptions& options) {
  client::SessionOptions session;
  session.name = options.name.empty() ? std::string(program_invocation_short_name) + "-" +
                                            std::to_string(getpid())
                                      : options.name;
  session.weight = options.weight;
  session.token = proto_token::given_or_from_environment(options.token);
  session.connect_timeout = options.connect_timeout;
  session.max_tasks = options.max_tasks;
  session.max_bytes = options.max_bytes;
  session.shared_memory = options.shared_memory;
  session.upload = options.upload;
  session.loop = options.loop ? options.loop.get() : LoopThread().loop();
  return session;
}

void start_client(client::SessionOptions session, std::shared_ptr<void> cluster, Current current,
                  std::function<void(std::exception_ptr, Client)> connected) {
  if (const char* role = std::getenv("PENSTOCK_ROLE"); role && std::string(role) == "worker") {
    throw Error(
        "this process was started as a worker, but its main() connected as a client: call "
        "penstock::init() first thing in main()");
  }
  auto state = make_state(session.loop, std::move(cluster));
  // The session is in the state before it can call back, and the state lives until it has.
  auto ready = std::make_shared<std::promise<void>>();
  auto assigned = ready->get_future().share();
  state->session = client::Session::start(
      std::move(session), [state, assigned, current, connected = std::move(connected)](absl::Status status) mutable {
        assigned.wait();
        auto held = std::move(state);
        if (status.ok()) {
          if (current == Current::kBecomes) make_current(held);
          connected(nullptr, Client(std::move(held)));
        } else {
          connected(std::make_exception_ptr(Error(std::string(status.message()))), Client());
        }
      });
  ready->set_value();
}

Client connect_client(client::SessionOptions session, std::shared_ptr<void> cluster, Current current) {
  std::promise<Client> promise;
  auto future = promise.get_future();
  start_client(std::move(session), std::move(cluster), current,
               [&promise](std::exception_ptr error, Client client) {
                 if (error) {
                   promise.set_exception(std::move(error));
                 } else {
                   promise.set_value(std::move(client));
                 }
               });
  return future.get();
}

}  // namespace detail

void Client::start_connect(const std::string& address, ClientOptions options, Connected connected) {
  auto session = detail::session_options(options);
  session.address = detail::checked(address);
  detail::start_client(std::move(session), nullptr, detail::Current::kBecomes, std::move(connected));
}

Client Client::connect(const std::string& address, ClientOptions options) {
  auto session = detail::session_options(options);
  session.address = detail::checked(address);
  return detail::connect_client(std::move(session), nullptr);
}

namespace {

// Of the tasks that run on the calling thread's worker. Their own tasks come before others, or those that wait would
// pile up: a turn of theirs is long.
constexpr unsigned kWeightOfTasks = 1000;

Client client_of_tasks(detail::TaskCluster& cluster) {
  const std::lock_guard lock(cluster.mutex);
  const auto client = [&] { return std::static_pointer_cast<Client>(cluster.client); };
  if (!cluster.client || client()->has_ended()) {  // a task may have closed it
    ClientOptions options;
    options.name = "tasks of " + cluster.worker;
    options.weight = kWeightOfTasks;
    options.token = cluster.token;
    auto session = detail::session_options(options);
    session.address = cluster.scheduler;
    session.channel = std::static_pointer_cast<grpc::Channel>(cluster.channel);
    cluster.client =
        std::make_shared<Client>(detail::connect_client(std::move(session), nullptr, detail::Current::kStays));
  }
  return *client();
}

}  // namespace

Client Client::current() {
  if (detail::TaskHost* const host = detail::task_place().host) return client_of_tasks(host->cluster());
  std::lock_guard lock(detail::current_mutex);
  auto& clients = detail::current_clients();
  for (auto it = clients.rbegin(); it != clients.rend(); ++it) {
    if (auto state = it->lock()) return Client(std::move(state));
  }
  throw Error(
      "there is no client: make one with penstock::Client::local() or "
      "penstock::Client::connect(address) before scatter()");
}

client::Session& Client::session() const {
  if (!state_) throw Error("this Client handle is empty: assign a connected one to it");
  return *state_->session;
}

detail::PortPtr Client::port() const {
  return {state_, &session()};
}

detail::CellPtr Client::run(const detail::TaskEntry& entry, const std::string& constants,
                            detail::CallArguments arguments) const {
  session().wait_for_room();
  const auto plan = session().call_plan(entry, constants, options());
  return detail::submit_with(port(), plan, std::move(arguments));
}

detail::CellPtr Client::run(const detail::Stage& named, detail::CallArguments arguments) const {
  session().wait_for_room();
  return detail::submit_with(port(), session().call_plan(named, options()), std::move(arguments));
}

detail::CellPtr Client::cell_of(std::string bytes) const {
  if (bytes.size() > proto_limits::kMaxInlineBytes) return store(std::move(bytes));
  return std::make_shared<detail::Cell>(detail::Outcome{std::move(bytes), nullptr, {}});
}

detail::CellPtr Client::store(std::string bytes) const {
  session().wait_for_room();
  auto cell = session().store(std::move(bytes));
  detail::note_submitted(port(), cell);
  return cell;
}

std::shared_ptr<const void> Client::share(const std::string& name, std::string bytes) const {
  session().wait_for_room();
  return session().share(name, std::move(bytes));
}

std::string Client::new_name() { return proto_values::unique_name(); }

void Client::start_asking(std::optional<std::vector<std::string>> retired, Listed listed) const {
  v1::ClusterRequest request;
  request.set_workers(!retired);
  if (retired) request.mutable_retire()->Assign(retired->begin(), retired->end());
  if (retired && retired->empty()) return listed(nullptr, {});
  session().ask(std::move(request), [listed = std::move(listed)](absl::StatusOr<v1::ClusterAnswer> answer) {
    if (!answer.ok()) {
      return listed(std::make_exception_ptr(Error(std::string(answer.status().message()))), {});
    }
    std::vector<WorkerInfo> workers;
    for (auto& info : *answer->mutable_workers()) {
      auto& worker = workers.emplace_back(WorkerInfo{std::move(*info.mutable_name()), info.threads(), info.memory(), info.memory_limit(),
                         info.cpu(), info.running(), info.queued(), info.done(), info.failed(), info.leaving(), info.waiting()});
      for (auto& resource : *info.mutable_resources()) {
        worker.resources.emplace(std::move(*resource.mutable_name()),
                                 static_cast<double>(resource.thousandths()) / 1000);
      }
    }
    listed(nullptr, std::move(workers));
  });
}

namespace {

// start(done), and waits.
template <class Value>
Value wait_for(absl::FunctionRef<void(detail::Done<Value>)> start) {
  std::promise<Value> promise;
  start([&promise](std::exception_ptr error, Value value) {
    error ? promise.set_exception(error) : promise.set_value(std::move(value));
  });
  return promise.get_future().get();
}

}  // namespace

std::vector<WorkerInfo> Client::list_workers() const {
  return wait_for<std::vector<WorkerInfo>>([this](Listed listed) { start_asking(std::nullopt, std::move(listed)); });
}

void Client::start_apart(std::function<void(const Client&)> work, Done done) const {
  std::thread([client = *this, work = std::move(work), done = std::move(done)]() mutable {
    std::exception_ptr error;
    try {
      work(client);
    } catch (...) {
      error = std::current_exception();
    }
    client = Client();  // whoever goes on may want to be the last that has it
    done(std::move(error));
  }).detach();
}

void Client::start_publishing(const std::string& name, std::string signature, detail::CellPtr value,
                              Done done) const {
  session().publish(name, std::move(signature), std::move(value), [done = std::move(done)](absl::Status status) {
    done(status.ok() ? nullptr : std::make_exception_ptr(Error(std::string(status.message()))));
  });
}

void Client::wait_until_published(const std::string& name, std::string signature, detail::CellPtr value) const {
  std::promise<void> promise;
  start_publishing(name, std::move(signature), std::move(value), [&promise](std::exception_ptr error) {
    error ? promise.set_exception(std::move(error)) : promise.set_value();
  });
  promise.get_future().get();
}

void Client::withdraw(const std::string& name) const { session().withdraw(name); }

void Client::start_asking_for_names(Names names) const {
  v1::ClusterRequest request;
  request.set_published(true);
  session().ask(std::move(request), [names = std::move(names)](absl::StatusOr<v1::ClusterAnswer> answer) {
    if (!answer.ok()) return names(std::make_exception_ptr(Error(std::string(answer.status().message()))), {});
    names(nullptr, {answer->names().begin(), answer->names().end()});
  });
}

std::vector<std::string> Client::published() const {
  return wait_for<std::vector<std::string>>([this](Names names) { start_asking_for_names(std::move(names)); });
}

namespace {

Error nothing_came(const std::string& name, Duration timeout) {
  return Error(fmt::format("nothing came that is published as '{}' within {} s: see Client::published()", name,
                           std::chrono::duration<double>(timeout).count()));
}

// The answer or the end of the time, whatever comes first.
class Getting : public std::enable_shared_from_this<Getting> {
 public:
  using Got = std::function<void(std::exception_ptr, std::string)>;

  Getting(std::shared_ptr<Loop> loop, Got got) : loop_(std::move(loop)), got_(std::move(got)) {}

  void start(const std::shared_ptr<detail::ClientState>& client, const std::string& name, const std::string& signature,
             Duration timeout) {
    timeout = std::min<Duration>(timeout, std::chrono::hours(24 * 365));
    loop_->post([self = shared_from_this(), weak = std::weak_ptr(client), name, timeout] {
      if (self->over_) return;
      self->timer_ = self->loop_->call_at(self->loop_->now() + timeout, [self, weak, name, timeout] {
        self->end(std::make_exception_ptr(nothing_came(name, timeout)), "");
        if (const auto state = weak.lock()) state->session->forget(*self->query_);
      });
    });
    client->session->get_published(
        name, signature, query_, [self = shared_from_this()](absl::StatusOr<proto_values::Bytes> bytes) {
          if (bytes.ok()) return self->end(nullptr, std::string(bytes->view));
          self->end(std::make_exception_ptr(Error(std::string(bytes.status().message()))), "");
        });
  }

 private:
  void end(std::exception_ptr error, std::string bytes) {
    if (over_.exchange(true)) return;
    loop_->post([self = shared_from_this()] { self->loop_->cancel(self->timer_); });
    std::exchange(got_, nullptr)(std::move(error), std::move(bytes));
  }

  const std::shared_ptr<Loop> loop_;
  Got got_;
  std::atomic<bool> over_{false};
  const std::shared_ptr<client::Session::Query> query_ = std::make_shared<client::Session::Query>();
  Loop::Timer timer_;  // on the loop's thread
};

}  // namespace

void Client::start_getting(const std::string& name, const std::string& signature, Duration timeout, Got got) const {
  std::make_shared<Getting>(session().loop(), std::move(got))->start(state_, name, signature, timeout);
}

std::string Client::wait_for_published(const std::string& name, const std::string& signature, Duration timeout) const {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<absl::StatusOr<proto_values::Bytes>> answer;
  };
  const auto waiting = std::make_shared<Waiting>();
  const auto query = std::make_shared<client::Session::Query>();
  session().get_published(name, signature, query, [waiting](absl::StatusOr<proto_values::Bytes> answer) {
    std::lock_guard lock(waiting->mutex);
    waiting->answer = std::move(answer);
    waiting->changed.notify_all();
  });
  const auto end = detail::end_after(timeout);
  if (!detail::wait_in_task(waiting->mutex, waiting->changed, end, [&] { return waiting->answer.has_value(); })) {
    session().forget(*query);
    if (std::chrono::steady_clock::now() < end) detail::throw_stopped();
    throw nothing_came(name, timeout);
  }
  if (!waiting->answer->ok()) throw Error(std::string(waiting->answer->status().message()));
  return std::string((*waiting->answer)->view);
}

std::vector<WorkerInfo> Client::retire_workers(const std::vector<std::string>& names) const {
  return wait_for<std::vector<WorkerInfo>>([&](Listed listed) { start_asking(names, std::move(listed)); });
}

unsigned Client::workers() const { return session().workers(); }
unsigned Client::threads() const { return session().threads(); }
std::string Client::address() const { return session().address(); }
std::string Client::dashboard() const { return session().dashboard(); }

void Client::wait_for_workers(unsigned count, Duration timeout) const {
  if (session().wait_for_workers(count, timeout)) return;
  throw Error("waited for " + std::to_string(count) + " workers, but the scheduler at " + address() + " has " +
              std::to_string(workers()) + ": start more, with penstock-worker --scheduler " + address() +
              " --app ./YOUR_PROGRAM, or wait for longer");
}

bool Client::has_ended() const { return session().has_ended(); }

void Client::close() const {
  session().wait_until_settled();
  session().close();
}

}  // namespace penstock
