// penstock-scheduler: serves until SIGINT or SIGTERM.
#include <signal.h>

#include "scheduler/log.hpp"
#include "scheduler/options.hpp"
#include "scheduler/server.hpp"

int main(int argc, char** argv) {
  using namespace penstock::scheduler;
  // Before any thread starts, so that all of them leave these signals to sigwait() below.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  const ProgramOptions options = parse_options(argc, argv);
  log().set_level(spdlog::level::from_str(options.log_level));

  auto server = Server::start(options.server);
  if (!server.ok()) {
    log().error("{}", std::string(server.status().message()));
    return 1;
  }
  log().info("clients and workers: {}:{}", options.server.address, (*server)->port());
  if (!(*server)->dashboard_url().empty()) {
    log().info("dashboard: {}", (*server)->dashboard_url());
  }
  int signal = 0;
  sigwait(&stop, &signal);
  log().info("stopping on signal {}", signal);
  server->reset();
  return 0;
}
