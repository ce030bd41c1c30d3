#include "penstock/client.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <future>

#include "client/callback_thread.hpp"
#include "client/client_state.hpp"
#include "penstock/error.hpp"
#include "proto/address.hpp"
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
  session.loop = options.loop ? options.loop.get() : LoopThread().loop();
  return session;
}

void start_client(client::SessionOptions session, std::shared_ptr<void> cluster,
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
      std::move(session), [state, assigned, connected = std::move(connected)](absl::Status status) mutable {
        assigned.wait();
        auto held = std::move(state);
        if (status.ok()) {
          make_current(held);
          connected(nullptr, Client(std::move(held)));
        } else {
          connected(std::make_exception_ptr(Error(std::string(status.message()))), Client());
        }
      });
  ready->set_value();
}

Client connect_client(client::SessionOptions session, std::shared_ptr<void> cluster) {
  std::promise<Client> promise;
  auto future = promise.get_future();
  start_client(std::move(session), std::move(cluster),
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
  detail::start_client(std::move(session), nullptr, std::move(connected));
}

Client Client::connect(const std::string& address, ClientOptions options) {
  auto session = detail::session_options(options);
  session.address = detail::checked(address);
  return detail::connect_client(std::move(session), nullptr);
}

Client Client::current() {
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
      workers.push_back({std::move(*info.mutable_name()), info.threads(), info.memory(), info.memory_limit(),
                         info.cpu(), info.running(), info.queued(), info.done(), info.failed(), info.leaving()});
    }
    listed(nullptr, std::move(workers));
  });
}

namespace {

// start(listed), and waits.
template <class Start>
std::vector<WorkerInfo> listed_by(Start start) {
  std::promise<std::vector<WorkerInfo>> promise;
  start([&promise](std::exception_ptr error, std::vector<WorkerInfo> workers) {
    error ? promise.set_exception(error) : promise.set_value(std::move(workers));
  });
  return promise.get_future().get();
}

}  // namespace

std::vector<WorkerInfo> Client::list_workers() const {
  return listed_by([this](Listed listed) { start_asking(std::nullopt, std::move(listed)); });
}

std::vector<WorkerInfo> Client::retire_workers(const std::vector<std::string>& names) const {
  return listed_by([&](Listed listed) { start_asking(names, std::move(listed)); });
}

unsigned Client::workers() const { return session().workers(); }
unsigned Client::threads() const { return session().threads(); }
std::string Client::address() const { return session().address(); }
std::string Client::dashboard() const { return session().dashboard(); }

void Client::wait_for_workers(unsigned count, Duration timeout) const {
  if (session().wait_for_workers(count, timeout)) return;
  throw Error("waited for " + std::to_string(count) + " workers, but there are " +
              std::to_string(workers()));
}

void Client::close() const {
  session().wait_until_settled();
  session().close();
}

}  // namespace penstock
