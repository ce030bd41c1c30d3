#include "scheduler/options.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "proto/config_file.hpp"

namespace penstock::scheduler {
namespace {

// Durations are given in seconds, fractions allowed.
void add_seconds(CLI::App& app, const std::string& flag, const char* variable, Duration& target,
                 const char* text) {
  app.add_option_function<double>(
         flag,
         [&target](double seconds) {
           target = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
         },
         text)
      ->check(CLI::Range(0.001, 86'400.0))
      ->envname(variable)
      ->default_str(std::to_string(std::chrono::duration<double>(target).count()));
}

}  // namespace

ProgramOptions parse_options(int argc, const char* const* argv) {
  ProgramOptions options;
  ServerOptions& server = options.server;
  CLI::App app("The scheduler of a Penstock cluster: hands the tasks of clients to workers.");
  app.set_version_flag("--version", PENSTOCK_VERSION, "Print the version and exit");
  proto_config::add_config_file(app);
  app.get_formatter()->column_width(34);

  app.add_option("--address", server.address, "Address to listen on for clients and workers")
      ->envname("PENSTOCK_ADDRESS")->capture_default_str();
  app.add_option("--port", server.port, "Port for clients and workers; 0 takes any free one")
      ->envname("PENSTOCK_PORT")->capture_default_str();
  app.add_option("--dashboard-address", server.dashboard_address, "Address of the status pages")
      ->envname("PENSTOCK_DASHBOARD_ADDRESS")->capture_default_str();
  app.add_option("--dashboard-port", server.dashboard_port,
                 "Port of the status pages (default: 8787 or the next free one)")
      ->envname("PENSTOCK_DASHBOARD_PORT");
  bool no_dashboard = false;  // CLI11's negated flags read the environment without the negation
  app.add_flag("--no-dashboard", no_dashboard, "Serve no status pages")
      ->envname("PENSTOCK_NO_DASHBOARD");
  app.add_option("--token", server.token,
                 "Secret that clients and workers must show; better given by the environment")
      ->envname("PENSTOCK_TOKEN");
  app.add_flag("--allow-insecure", server.allow_insecure,
               "Listen on other than loopback addresses without a token")
      ->envname("PENSTOCK_ALLOW_INSECURE");

  CoreOptions& core = server.core;
  add_seconds(app, "--heartbeat", "PENSTOCK_HEARTBEAT", core.heartbeat, "Seconds between heartbeats");
  add_seconds(app, "--silence", "PENSTOCK_SILENCE", core.silence,
              "Seconds of silence after which a peer is lost");
  add_seconds(app, "--code-timeout", "PENSTOCK_CODE_TIMEOUT", core.code_timeout,
              "Seconds a task waits for a worker that has its code");
  add_seconds(app, "--no-worker-timeout", "PENSTOCK_NO_WORKER_TIMEOUT", core.no_worker_timeout,
              "Seconds a task waits for any worker");
  app.add_option("--max-lost-workers", core.max_lost_workers,
                 "A task that was running on that many workers when they died fails")
      ->check(CLI::Range(1, 1000))->envname("PENSTOCK_MAX_LOST_WORKERS")->capture_default_str();
  app.add_option("--max-program-bytes", core.max_program_bytes,
                 "Of a program that a client uploads: 256MiB, 1GiB; at most four are kept")
      ->transform(CLI::AsSizeValue(true))
      ->envname("PENSTOCK_MAX_PROGRAM_BYTES")->default_str("256MiB");
  app.add_option("--log-level", options.log_level, "Least severe messages to log")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->envname("PENSTOCK_LOG_LEVEL")->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  server.dashboard = !no_dashboard;
  return options;
}

}  // namespace penstock::scheduler
