// Client::local(): a scheduler in this process and workers in threads or in processes of this program.
#include <limits.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "client/client_state.hpp"
#include "client/local/init.hpp"
#include "penstock/client.hpp"
#include "penstock/error.hpp"
#include "penstock/worker.hpp"
#include "proto/resources.hpp"
#include "scheduler/server.hpp"
#include "worker/process_stat.hpp"
#include "worker/supervisor.hpp"
#include "worker/worker_parts.hpp"

namespace penstock {
namespace {

struct LocalCluster {
  std::unique_ptr<scheduler::Server> server;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::unique_ptr<worker::Supervisor>> supervisors;

  // Workers first, all at once; each takes at most its grace time.
  ~LocalCluster() {
    server->expect_end();
    for (auto& each : workers) each->leave();
    for (auto& each : supervisors) each->request_stop();
    workers.clear();
    supervisors.clear();
    server.reset();
  }
};

// For the workers to start.
constexpr std::chrono::seconds kPatience{10};

std::string this_program() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0) throw Error("Client::local(): cannot find this program's own file");
  return {path, static_cast<std::size_t>(length)};
}

std::string worker_name(unsigned number) {
  return "local-" + std::to_string(getpid()) + "-" + std::to_string(number);
}

void add_thread_worker(LocalCluster& cluster, const LocalOptions& options, const std::string& token,
                       unsigned number) {
  WorkerOptions with;
  with.scheduler = "127.0.0.1:" + std::to_string(cluster.server->port());
  with.name = worker_name(number);
  with.threads = options.threads;
  with.resources = options.resources;
  with.max_value_bytes = worker::default_value_bytes(0, options.workers);
  with.token = token;
  worker::WorkerParts parts;
  parts.channel = cluster.server->in_process_channel();
  cluster.workers.push_back(std::make_unique<Worker>(std::move(with), std::move(parts)));
  cluster.workers.back()->start();
}

void add_process_worker(LocalCluster& cluster, const LocalOptions& options,
                        const std::string& token, unsigned number) {
  worker::SupervisorOptions with;
  with.program = this_program();
  with.scheduler = "127.0.0.1:" + std::to_string(cluster.server->port());
  with.name = worker_name(number);
  with.threads = options.threads;
  with.resources = options.resources;
  with.max_value_bytes = worker::default_value_bytes(0, options.workers);
  with.token = token;
  cluster.supervisors.push_back(std::make_unique<worker::Supervisor>(std::move(with)));
  cluster.supervisors.back()->start();
}

std::unique_ptr<scheduler::Server> start_server(const LocalOptions& options,
                                                const std::string& token) {
  scheduler::ServerOptions server;
  server.port = 0;
  server.dashboard = options.dashboard;
  server.dashboard_port = options.dashboard_port;
  server.token = token;
  server.core.no_worker_advice =
      options.mode == Client::Workers::kProcesses
          ? "those of a local cluster are started again when they die, but not when they exit at once again and "
            "again: their ends are in the log"
          : "those of this local cluster are threads of this program: the log says why they ended";
  auto started = scheduler::Server::start(std::move(server));
  if (!started.ok()) throw Error("Client::local(): " + std::string(started.status().message()));
  return *std::move(started);
}

}  // namespace

Client Client::local(LocalOptions options) {
  const bool processes = options.mode == Workers::kProcesses;
  if (processes && !local::initialised()) {
    throw Error(
        "Client::local() starts this program again as workers, so main() must begin with "
        "penstock::init(); or use LocalOptions::Workers::kThreads");
  }
  if (options.client.upload) {
    throw Error(
        "Client::local() runs this program in its own workers, and there is nothing to upload: ClientOptions::upload is "
        "for Client::connect()");
  }
  if (options.workers == 0) options.workers = std::max(1u, std::thread::hardware_concurrency());
  auto session = detail::session_options(options.client);
  if (const auto resources = proto_resources::parse(options.resources); !resources.ok()) {
    throw Error("LocalOptions::resources: " + std::string(resources.status().message()));
  }
  auto cluster = std::make_shared<LocalCluster>();
  cluster->server = start_server(options, session.token);
  for (unsigned number = 1; number <= options.workers; ++number) {
    processes ? add_process_worker(*cluster, options, session.token, number)
              : add_thread_worker(*cluster, options, session.token, number);
  }
  session.address = "127.0.0.1:" + std::to_string(cluster->server->port());
  session.channel = cluster->server->in_process_channel();
  auto client = detail::connect_client(std::move(session), cluster);
  // They start while this waits, so nothing has to wait for them later. Who does not come is in the log.
  try {
    client.wait_for_workers(options.workers, kPatience);
  } catch (const Error&) {
  }
  return client;
}

}  // namespace penstock
