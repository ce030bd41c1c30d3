// Runs the scripts of tests/scenarios/scheduler: commands in, actions of the scheduler core out,
// each compared with what was recorded. PENSTOCK_REWRITE_SCENARIOS=1 in the environment records
// anew; commit what that changes only when the cause is understood.
//
//   # why this script exists            kept
//   client 1                            an event, or a command to the runner
//     cluster c1 workers=0 threads=0    the recorded actions
//
// Commands:
//   options KEY=VALUE...     first, when needed: times in ms, or numbers
//   client C [NAME] [program=P] [size=N]            offers program P, whose build-id is P too
//   client-left C            client-heard C
//   arrived C P              not-arrived C P error=TEXT
//   host R NAME [instance=N] [max=N] [reads=P,Q] [runs=P,Q] [failed=P error=TEXT]   its report R
//   plan C N [DEFINITION] [modules=A,B]             forget C N
//   submit C ID N [INPUT]    cancel C ID
//   worker W [NAME] [threads=N] [modules=A,B] [supervised=1]
//   worker-left W            worker-heard W         leaving W
//   return W TASK            exit NAME [signal=N] [code=N] [running=TASK,TASK]
//   finish W TASK attempt=N [value=V | error=TEXT] [run=MS]
//   wait MS [alive=0]        time passes; peers stay alive unless told otherwise
//   show                     the counters and who has what
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "scheduler/core/core.hpp"
#include "tests/support/scheduler_core_text.hpp"

namespace penstock::scheduler::testing {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

TaskId parse_task(const std::string& text) {
  const std::vector<std::string> parts = split(text.substr(1), '.');
  return task_id(std::stoull(parts.at(0)), parts.size() > 1 ? std::stoull(parts[1]) : 1);
}

Duration milliseconds(const std::string& text) {
  return std::chrono::milliseconds(std::stoll(text));
}

// One line: a verb, words by position, and words by name (key=value).
class Command {
 public:
  explicit Command(const std::string& line) {
    for (const std::string& word : split(line, ' ')) {
      const auto equals = word.find('=');
      if (equals == std::string::npos) {
        words_.push_back(word);
      } else {
        named_[word.substr(0, equals)] = word.substr(equals + 1);
      }
    }
  }

  const std::string& verb() const { return words_.at(0); }
  const std::string& word(std::size_t at) const { return words_.at(at); }
  std::string word(std::size_t at, const std::string& otherwise) const {
    return at < words_.size() ? words_[at] : otherwise;
  }
  std::uint64_t id(std::size_t at) const { return std::stoull(words_.at(at)); }
  std::string named(const std::string& key, const std::string& otherwise) const {
    const auto found = named_.find(key);
    return found != named_.end() ? found->second : otherwise;
  }
  bool has(const std::string& key) const { return named_.contains(key); }
  std::uint32_t count(const std::string& key, std::uint32_t otherwise) const {
    return static_cast<std::uint32_t>(std::stoul(named(key, std::to_string(otherwise))));
  }

 private:
  std::vector<std::string> words_;
  std::map<std::string, std::string> named_;
};

CoreOptions parse_options(const Command& command) {
  CoreOptions options;
  for (auto [key, place] : {std::pair{"heartbeat", &options.heartbeat},
                            {"silence", &options.silence},
                            {"code_timeout", &options.code_timeout},
                            {"no_worker_timeout", &options.no_worker_timeout},
                            {"exit_report_timeout", &options.exit_report_timeout},
                            {"upload_timeout", &options.upload_timeout},
                            {"program_idle", &options.program_idle},
                            {"prefetch", &options.prefetch}}) {
    if (command.has(key)) *place = milliseconds(command.named(key, ""));
  }
  options.max_lost_workers = command.count("max_lost_workers", options.max_lost_workers);
  for (auto [key, place] : {std::pair{"max_prefetch", &options.max_prefetch},
                            {"max_workers", &options.max_workers},
                            {"max_clients", &options.max_clients},
                            {"max_tasks_per_client", &options.max_tasks_per_client},
                            {"max_programs", &options.max_programs},
                            {"max_plans", &options.max_plans}}) {
    if (command.has(key)) *place = std::stoull(command.named(key, ""));
  }
  return options;
}

PlanDefined parse_plan(const Command& command) {
  const std::string definition = command.word(3, "square");
  return {ClientId{command.id(1)},
          static_cast<std::uint32_t>(command.id(2)),
          definition,
          split(command.named("modules", "app"), ','),
          definition,
          "program"};
}

ClientJoined parse_client(const Command& command) {
  ClientJoined event{ClientId{command.id(1)}, command.word(2, "c" + command.word(1))};
  if (command.has("program")) {
    event.program = program_offer(command.named("program", ""), std::stoull(command.named("size", "100")));
  }
  return event;
}

HostReported parse_host(const Command& command) {
  HostReported event{command.id(1), command.word(2), command.count("instance", 1), command.count("max", 4)};
  for (const auto* key : {"reads", "runs", "failed"}) {
    for (const std::string& name : split(command.named(key, ""), ',')) {
      event.programs.push_back({program_offer(name), key == std::string("runs"),
                                key == std::string("failed") ? command.named("error", "") : ""});
    }
  }
  return event;
}

WorkerJoined parse_worker(const Command& command) {
  WorkerJoined event{WorkerId{command.id(1)}, command.word(2, "w" + command.word(1))};
  event.threads = command.count("threads", 1);
  event.supervised = command.has("supervised");
  for (const std::string& module : split(command.named("modules", "app"), ',')) {
    event.modules.push_back({module, module + ".so", 1});
  }
  return event;
}

TaskFinished parse_finish(const Command& command) {
  Result result = absl::Cord(command.named("value", ""));
  if (command.has("error")) {
    result = Failure{FailureKind::kRaised, "std::runtime_error", command.named("error", "")};
  }
  return {WorkerId{command.id(1)},
          parse_task(command.word(2)),
          command.count("attempt", 1),
          std::move(result),
          0,
          milliseconds(command.named("run", "1000")),
          command.has("kept")};
}

WorkerExited parse_exit(const Command& command) {
  WorkerExited event{command.word(1)};
  event.signal = std::stoi(command.named("signal", "0"));
  event.exit_code = std::stoi(command.named("code", event.signal == 0 ? "1" : "-1"));
  for (const std::string& task : split(command.named("running", ""), ',')) {
    event.running.push_back(parse_task(task));
  }
  return event;
}

class Runner {
 public:
  // Returns the lines of what happened.
  std::vector<std::string> run(const std::string& line) {
    lines_.clear();
    const Command command(line);
    if (command.verb() == "options") {
      core_ = std::make_unique<Core>(parse_options(command), now_);
    } else if (command.verb() == "wait") {
      wait(milliseconds(command.word(1)), command.named("alive", "1") == "1");
    } else if (command.verb() == "show") {
      show();
    } else {
      handle(parse(command));
    }
    return lines_;
  }

 private:
  Event parse(const Command& c) {
    const std::string& verb = c.verb();
    if (verb == "client") {
      clients_.push_back(c.id(1));
      return parse_client(c);
    }
    if (verb == "arrived") return ProgramArrived{ClientId{c.id(1)}, program_offer(c.word(2)).sha256};
    if (verb == "not-arrived") {
      return ProgramFailed{ClientId{c.id(1)}, program_offer(c.word(2)).sha256, c.named("error", "")};
    }
    if (verb == "host") return parse_host(c);
    if (verb == "client-left") {
      std::erase(clients_, c.id(1));
      return ClientLeft{ClientId{c.id(1)}};
    }
    if (verb == "client-heard") return ClientHeard{ClientId{c.id(1)}};
    if (verb == "plan") return parse_plan(c);
    if (verb == "forget") {
      return PlanForgotten{ClientId{c.id(1)}, static_cast<std::uint32_t>(c.id(2))};
    }
    if (verb == "submit") {
      return TaskSubmitted{ClientId{c.id(1)}, c.id(2), static_cast<std::uint32_t>(c.id(3)),
                           absl::Cord(c.word(4, "")), c.named("kept", ""), c.named("near", ""),
                           c.has("pinned")};
    }
    if (verb == "cancel") return TaskCancelled{ClientId{c.id(1)}, c.id(2)};
    if (verb == "ask") return WorkersAsked{ClientId{c.id(1)}, c.id(2)};
    if (verb == "retire") return WorkersRetired{ClientId{c.id(1)}, c.id(2), split(c.word(3), ',')};
    if (verb == "free") {
      return ValuesFreed{ClientId{c.id(1)}, c.word(2), {{parse_task(c.word(3)), 1}}};
    }
    if (verb == "worker") {
      workers_.push_back(c.id(1));
      return parse_worker(c);
    }
    return parse_worker_event(c);
  }

  Event parse_worker_event(const Command& c) {
    const std::string& verb = c.verb();
    if (verb == "exit") return parse_exit(c);
    const WorkerId worker{c.id(1)};
    if (verb == "worker-left") {
      std::erase(workers_, c.id(1));
      return WorkerLeft{worker};
    }
    if (verb == "worker-heard") return WorkerHeard{worker};
    if (verb == "leaving") return WorkerLeaving{worker};
    if (verb == "return") return TaskReturned{worker, parse_task(c.word(2))};
    if (verb == "finish") return parse_finish(c);
    throw std::invalid_argument("unknown command: " + verb);
  }

  void handle(Event event) {
    std::vector<Action> out;
    core_->handle(std::move(event), now_, out);
    for (const Action& action : out) {
      if (!std::holds_alternative<SendHeartbeats>(action)) lines_.push_back(to_text(action));
    }
    core_->check_invariants();
  }

  void wait(Duration duration, bool alive) {
    const TimePoint end = now_ + duration;
    while (*core_->next_deadline() <= end) {
      now_ = std::max(now_, *core_->next_deadline());
      std::vector<Action> ignored;
      if (alive) {
        for (auto id : clients_) core_->handle(ClientHeard{ClientId{id}}, now_, ignored);
        for (auto id : workers_) core_->handle(WorkerHeard{WorkerId{id}}, now_, ignored);
      }
      handle(Tick{});
    }
    now_ = end;
  }

  void show() {
    const Snapshot shown = core_->snapshot(now_);
    const Counters& c = shown.counters;
    lines_.push_back("tasks waiting=" + std::to_string(shown.waiting) + " assigned=" +
                     std::to_string(shown.assigned) + " running=" + std::to_string(shown.running));
    lines_.push_back("counters submitted=" + std::to_string(c.submitted) +
                     " done=" + std::to_string(c.done) + " failed=" + std::to_string(c.failed) +
                     " cancelled=" + std::to_string(c.cancelled) +
                     " dispatched=" + std::to_string(c.dispatched) +
                     " redispatched=" + std::to_string(c.redispatched) +
                     " workers_lost=" + std::to_string(c.workers_lost) +
                     " clients_lost=" + std::to_string(c.clients_lost));
    lines_.push_back("dropped outcomes=" + std::to_string(c.dropped_outcomes) +
                     " submits=" + std::to_string(c.dropped_submits) +
                     " other=" + std::to_string(c.dropped_other) +
                     " refused_peers=" + std::to_string(c.refused_peers));
  }

  TimePoint now_{std::chrono::hours{1}};
  std::unique_ptr<Core> core_ = std::make_unique<Core>(CoreOptions{}, now_);
  std::vector<std::uint64_t> clients_;
  std::vector<std::uint64_t> workers_;
  std::vector<std::string> lines_;
};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The script with its recorded output replaced by what happens now.
std::string replay(const std::string& script) {
  Runner runner;
  std::string result;
  std::istringstream lines(script);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  ")) continue;
    result += line + "\n";
    if (line.empty() || line.starts_with("#")) continue;
    for (const std::string& action : runner.run(line)) result += "  " + action + "\n";
  }
  return result;
}

std::vector<std::string> scripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(PENSTOCK_SCENARIO_DIR)) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Scenario : public ::testing::TestWithParam<std::string> {};

TEST_P(Scenario, GoesAsRecorded) {
  const auto path = std::filesystem::path(PENSTOCK_SCENARIO_DIR) / (GetParam() + ".txt");
  const std::string recorded = read_file(path);
  ASSERT_TRUE(recorded.starts_with("# ")) << "a scenario opens with what it guards";
  const std::string now = replay(recorded);
  if (std::getenv("PENSTOCK_REWRITE_SCENARIOS") != nullptr) {
    std::ofstream(path) << now;
  } else {
    EXPECT_EQ(now, recorded);
  }
}

INSTANTIATE_TEST_SUITE_P(Scripts, Scenario, ::testing::ValuesIn(scripts()),
                         [](const auto& script) { return script.param; });

}  // namespace
}  // namespace penstock::scheduler::testing
