// The demo: counts the words of many files on a cluster, and once more on one thread, and compares.
//
//   penstock-demo --scheduler HOST:PORT [--json] [--no-single] [PATH...]
//
// The pipeline is in run_on_cluster(): files are read here, sent as bytes to the workers, unzipped and
// counted there, and the counts come back in order and are added up here.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <penstock/penstock.hpp>

#include "examples/demo/word_count.hpp"

using namespace std::chrono_literals;

namespace demo {
namespace {

struct Options {
  std::string scheduler = "127.0.0.1:8786";
  unsigned workers = 1;  // to wait for before it starts
  bool json = false;
  bool no_single = false;
  std::vector<std::string> paths;
};

struct Run {
  Totals totals;
  std::uint64_t skipped = 0;
  double seconds = 0;
};

// What one result adds to the line of each second.
struct Progress {
  std::uint64_t bytes;
  std::uint64_t words;
};

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::FILE* report_to = stdout;  // standard error with --json

template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  fmt::print(report_to, format, std::forward<Args>(args)...);
  std::fputc('\n', report_to);
  std::fflush(report_to);
}

void print_progress(const std::vector<Progress>& window) {
  static std::uint64_t words = 0;  // on the stream's loop only
  std::uint64_t bytes = 0;
  for (const auto& each : window) {
    bytes += each.bytes;
    words += each.words;
  }
  say("{:>7} files/s {:>8.1f} MB/s {:>12} words so far", window.size(),
      static_cast<double>(bytes) / 1e6, words);
}

Run run_on_cluster(const penstock::Client& client, const std::vector<std::string>& files) {
  Run run;
  std::atomic<std::uint64_t> skipped{0};
  const auto skip = [&](const penstock::Failure& failure) {
    ++skipped;
    say("skipped: {}", failure.text());
  };
  penstock::Stream<penstock::Failure> unreadable;
  penstock::Stream<penstock::Failure> uncountable;
  unreadable.sink(skip);
  uncountable.sink(skip);

  auto paths = penstock::from_iterable(files);
  auto results = paths.map(read_file)
                     .on_error(penstock::ErrorPolicy::dead_letter(unreadable))
                     .scatter(client)
                     .map(count_words)
                     .gather()
                     .on_error(penstock::ErrorPolicy::dead_letter(uncountable));
  const Totals* totals = nullptr;  // where the stream keeps them
  results.accumulate(add_to, Totals{}).sink([&](const Totals& now) { totals = &now; });
  results.map([](const FileResult& result) { return Progress{result.bytes, result.words}; })
      .timed_window(1s, {.emit_empty = false})
      .sink(print_progress);

  const auto start = Clock::now();
  paths.start();  // reads and emits on this thread, as fast as the window lets it
  paths.drain();
  run.seconds = seconds_since(start);
  if (totals != nullptr) run.totals = *totals;
  run.skipped = skipped;
  return run;
}

// So that the system has the files in memory for both runs: the first would pay for the disk otherwise.
void read_once(const std::vector<std::string>& files) {
  say("reading {} files once, for a fair comparison", files.size());
  for (const auto& path : files) {
    try {
      read_file(path);
    } catch (const std::exception&) {
      // Reported when it is to be counted.
    }
  }
}

Run run_on_one_thread(const std::vector<std::string>& files) {
  Run run;
  const auto start = Clock::now();
  for (const auto& path : files) {
    try {
      add_to(run.totals, count_words(read_file(path)));
    } catch (const std::exception&) {
      ++run.skipped;  // reported by the run on the cluster
    }
  }
  run.seconds = seconds_since(start);
  return run;
}

void print_totals(const Run& run) {
  say("\n{} files ({} skipped), {:.1f} MB, {} words, {} distinct", run.totals.files, run.skipped,
      static_cast<double>(run.totals.bytes) / 1e6, run.totals.words, run.totals.counts.size());
  for (const auto& [word, count] : run.totals.top(10)) say("{:>12}  {}", count, word);
}

void print_json(const Run& run, const std::optional<Run>& single) {
  nlohmann::ordered_json json;
  json["files"] = run.totals.files;
  json["skipped"] = run.skipped;
  json["bytes"] = run.totals.bytes;
  json["words"] = run.totals.words;
  json["distinct"] = run.totals.counts.size();
  json["top"] = run.totals.top(10);
  json["seconds"] = run.seconds;
  json["seconds_single"] = single ? nlohmann::ordered_json(single->seconds) : nullptr;
  std::cout << json.dump() << std::endl;
}

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app("Counts the words of files on a Penstock cluster.");
  app.add_option("--scheduler", options.scheduler, "HOST:PORT of the scheduler")
      ->envname("PENSTOCK_SCHEDULER")->capture_default_str();
  app.add_option("--wait-for-workers", options.workers, "Start when so many workers are there")
      ->capture_default_str();
  app.add_flag("--json", options.json, "End with the totals as one JSON object on standard output");
  app.add_flag("--no-single", options.no_single, "Do not count again on one thread");
  app.add_option("paths", options.paths, "Files and folders (default: /usr/include /usr/share/doc)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  if (options.paths.empty()) {
    for (const char* path : {"/usr/include", "/usr/share/doc"}) {
      if (std::filesystem::exists(path)) options.paths.push_back(path);
    }
  }
  return options;
}

int run(const Options& options) {
  if (options.json) report_to = stderr;
  auto client = penstock::Client::connect(options.scheduler);
  client.wait_for_workers(options.workers, 60s);
  if (!client.dashboard().empty()) say("dashboard: {}", client.dashboard());

  std::vector<std::string> unreadable;
  const auto files = find_files(options.paths, unreadable);
  for (const auto& text : unreadable) say("skipped: {}", text);
  if (files.empty()) {
    fmt::print(stderr, "penstock-demo: there is no file to count under the given paths\n");
    return 1;
  }
  if (!options.no_single) read_once(files);
  say("counting the words of {} files on {} workers", files.size(), client.workers());
  Run cluster = run_on_cluster(client, files);
  cluster.skipped += unreadable.size();
  print_totals(cluster);
  say("\n{:.2f} s on the cluster", cluster.seconds);

  std::optional<Run> single;
  if (!options.no_single) {
    single = run_on_one_thread(files);
    say("{:.2f} s on one thread without it: {:.2f} times as long", single->seconds,
        single->seconds / cluster.seconds);
    if (single->totals.counts != cluster.totals.counts || single->totals.bytes != cluster.totals.bytes) {
      say("the totals differ: that is a defect, please report it");
      return 1;
    }
  }
  if (options.json) print_json(cluster, single);
  return 0;
}

}  // namespace
}  // namespace demo

int main(int argc, char** argv) {
  penstock::init();
  const auto options = demo::parse(argc, argv);
  try {
    return demo::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "penstock-demo: {}\n", error.what());
    return 1;
  }
}
