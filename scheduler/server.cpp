#include "scheduler/server.hpp"

#include <spdlog/spdlog.h>

#include <random>

#include "absl/status/status.h"
#include "proto/channel.hpp"
#include "scheduler/dashboard/server.hpp"
#include "scheduler/driver.hpp"
#include "scheduler/listener.hpp"
#include "scheduler/service.hpp"

namespace penstock::scheduler {
namespace {

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

std::string random_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

absl::Status check(const ServerOptions& options) {
  if (is_loopback(options.address) || !options.token.empty() || options.allow_insecure) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "refusing to listen on " + options.address +
      " without a token: whoever can connect can run code here. Set PENSTOCK_TOKEN to a secret (and "
      "give it to workers and clients), or pass --allow-insecure on a network of your own");
}

}  // namespace

struct Server::Parts {
  explicit Parts(DriverOptions options) : driver(std::move(options)), service(driver) {}

  ~Parts() {
    driver.expect_end();
    listener.reset();
    driver.shut_down();
    if (server) {
      server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
      server->Wait();
    }
    dashboard.reset();
  }

  Driver driver;
  Service service;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Dashboard> dashboard;
  std::string dashboard_url;
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  if (auto status = check(options); !status.ok()) return status;
  auto parts = std::make_unique<Parts>(
      DriverOptions{options.core, random_id(), /*dashboard=*/"", options.token,
                    options.max_waiting_bytes});

  auto listener = Listener::open(options.address, options.port);
  if (!listener.ok()) return listener.status();

  grpc::ServerBuilder builder;
  builder.RegisterService(&parts->service);
  proto_channel::each_argument(
      [&](const char* name, int value) { builder.AddChannelArgument(name, value); });
  builder.SetMaxReceiveMessageSize(proto_limits::kMaxMessageBytes);  // its default would win
  auto acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  parts->server = builder.BuildAndStart();
  if (!parts->server) return absl::InternalError("gRPC does not start a server; see its own log above");
  parts->listener = std::move(*listener);
  parts->listener->start(std::move(acceptor),
                         [driver = &parts->driver] { driver->dropped_connection(); });

  if (options.dashboard) {
    auto dashboard = Dashboard::start({options.dashboard_address, options.dashboard_port},
                                      [driver = &parts->driver] { return driver->snapshot(); });
    if (!dashboard.ok()) return dashboard.status();
    parts->dashboard = std::move(*dashboard);
    parts->dashboard_url = parts->dashboard->url();
    parts->driver.set_dashboard(parts->dashboard_url);
  }
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

void Server::expect_end() { parts_->driver.expect_end(); }
std::uint16_t Server::port() const { return parts_->listener->port(); }
const std::string& Server::dashboard_url() const { return parts_->dashboard_url; }
std::shared_ptr<grpc::Channel> Server::in_process_channel() {
  return parts_->server->InProcessChannel(proto_channel::client_arguments());
}

}  // namespace penstock::scheduler
