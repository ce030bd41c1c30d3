#include "worker/options.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

#include "proto/address.hpp"
#include "proto/config_file.hpp"
#include "proto/limits.hpp"
#include "proto/resources.hpp"

namespace penstock::worker {
namespace {

constexpr unsigned kMaxWorkers = 1024;
constexpr unsigned kMaxThreads = 1024;
constexpr unsigned kMaxPrograms = 64;

void declare(CLI::App& app, ProgramOptions& options) {
  app.set_version_flag("--version", PENSTOCK_VERSION, "Print the version and exit");
  proto_config::add_config_file(app);
  app.add_option("--scheduler", options.scheduler, "Address of the scheduler, host:port")
      ->envname("PENSTOCK_SCHEDULER")
      ->default_val("127.0.0.1:8786");
  app.add_option("--app", options.app,
                 "Program whose tasks to run; its main() calls penstock::init()")
      ->envname("PENSTOCK_APP");
  app.add_option("app_args", options.app_args,
                 "Arguments for the program; after -- if they begin with -");
  app.add_option("--load", options.load, "Library with tasks, may be repeated")
      ->envname("PENSTOCK_LOAD")
      ->delimiter(':')
      ->allow_extra_args(false);
  app.add_option("--threads", options.threads, "Threads of each worker, 0 for all of the machine")
      ->envname("PENSTOCK_WORKER_THREADS")
      ->check(CLI::Range(0u, kMaxThreads));
  app.add_option("--name", options.name,
                 "Name in the dashboard, unique; default host and process id")
      ->envname("PENSTOCK_WORKER_NAME");
  app.add_option("--memory-limit", options.memory_limit, "Of each worker: 4GiB, 500MB; 0 for none")
      ->envname("PENSTOCK_WORKER_MEMORY_LIMIT")
      ->transform(CLI::AsSizeValue(true));
  app.add_option("--resources", options.resources,
                 "Of each worker, that its tasks may take: \"gpu=1, licence=2\"; memory= is its limit unless given")
      ->envname("PENSTOCK_WORKER_RESOURCES");
  app.add_option("--max-value-bytes", options.max_value_bytes,
                 "Of results that stay at each worker: 4GiB, 500MB; default half of its memory")
      ->envname("PENSTOCK_WORKER_MAX_VALUE_BYTES")
      ->transform(CLI::AsSizeValue(true));
  app.add_option("--token", options.token,
                 "The scheduler's secret; better given by the environment")
      ->envname("PENSTOCK_TOKEN");
  app.add_option("--workers", options.workers, "Worker processes to run")
      ->envname("PENSTOCK_WORKERS")
      ->check(CLI::Range(1u, kMaxWorkers));
  app.add_flag("--accept-uploads", options.accept_uploads,
               "Run programs that clients upload: whoever may submit work can run anything here")
      ->envname("PENSTOCK_ACCEPT_UPLOADS");
  app.add_option("--max-programs", options.max_programs, "Uploaded programs to run at one time")
      ->envname("PENSTOCK_MAX_PROGRAMS")
      ->check(CLI::Range(1u, kMaxPrograms))
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->envname("PENSTOCK_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
}

absl::Status check_program(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) {
    return absl::NotFoundError(absl::StrCat("there is no program ", path));
  }
  if (!S_ISREG(facts.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a file"));
  }
  if (access(path.c_str(), X_OK) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, " is not executable",
                     absl::EndsWith(path, ".so") ? absl::StrCat(": use --load ", path) : ""));
  }
  return absl::OkStatus();
}

absl::Status check(ProgramOptions& options) {
  auto address = proto_address::complete(options.scheduler);
  if (!address.ok()) return address.status();
  options.scheduler = *address;
  if (const auto resources = proto_resources::parse(options.resources); !resources.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--resources: ", resources.status().message()));
  }
  if (options.app.empty() && options.load.empty() && !options.accept_uploads) {
    return absl::InvalidArgumentError(
        "nothing to run: name a program with --app ./myapp, or a library with --load libtasks.so, or run what "
        "clients bring with --accept-uploads");
  }
  if (options.app.empty() && !options.app_args.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", options.app_args.front(), "\" is an argument for a program, but there is no --app"));
  }
  for (const std::string& library : options.load) {
    if (absl::StrContains(library, '/') && access(library.c_str(), R_OK) != 0) {
      return absl::NotFoundError(absl::StrCat("there is no library ", library));
    }
  }
  return options.app.empty() ? absl::OkStatus() : check_program(options.app);
}

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  ParsedOptions parsed;
  ProgramOptions options;
  CLI::App app("Runs tasks for a Penstock scheduler, in a process that is replaced when it dies.",
               "penstock-worker");
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    parsed.exit_code = app.exit(error, text, text);
    parsed.text = text.str();
    return parsed;
  }
  if (const absl::Status status = check(options); !status.ok()) {
    parsed.exit_code = 2;
    parsed.text = absl::StrCat("penstock-worker: ", status.message(), "\n");
    return parsed;
  }
  parsed.options = std::move(options);
  return parsed;
}

}  // namespace penstock::worker
