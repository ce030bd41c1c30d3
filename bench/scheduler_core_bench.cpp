// The scheduler core alone, one thread: time per task for submit, dispatch and outcome together.
//
//   scheduler_core_bench --benchmark_filter=Throughput
//
// Arguments: workers (of 4 threads) and tasks in flight; what is beyond the prefetch of all workers
// waits in the queue.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/core.hpp"

namespace penstock::scheduler {
namespace {

using namespace std::chrono_literals;  // NOLINT

struct Sent {
  WorkerId worker;
  TaskId task;
  std::uint32_t attempt;
};

// Keeps a number of tasks in flight: a worker finishes its oldest one, the client submits another.
class Load {
 public:
  Load(std::uint64_t workers, std::uint64_t in_flight, Duration run) : run_(run) {
    handle(ClientJoined{ClientId{1}, "bench"});
    handle(PlanDefined{ClientId{1}, 1, "definition", {"module"}, "square", "program"});
    for (std::uint64_t id = 1; id <= workers; ++id) {
      WorkerJoined worker{WorkerId{id}, "w" + std::to_string(id), 4};
      worker.modules.push_back({"module", "program", 1});
      handle(std::move(worker));
    }
    for (std::uint64_t i = 0; i < in_flight; ++i) submit();
    for (std::uint64_t i = 0; i < 2 * workers; ++i) step();  // the prefetch is known and filled
  }

  std::uint64_t done() const { return core_.snapshot(now_).counters.done; }

  // Fails the benchmark unless each step was one outcome and nothing was lost on the way.
  void expect(benchmark::State& state, std::uint64_t done_before, std::uint64_t in_flight) const {
    const Snapshot shown = core_.snapshot(now_);
    const bool all_done =
        shown.counters.done - done_before == static_cast<std::uint64_t>(state.iterations());
    const bool none_lost = shown.waiting + shown.assigned == in_flight;
    if (!all_done || !none_lost) state.SkipWithError("tasks are missing");
  }

  // Workers finish in no order at all: nothing that is touched next is warm.
  void step_anywhere() {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    std::swap(sent_.front(), sent_[(random_ >> 33) % sent_.size()]);
    step();
  }

  void step() {
    const Sent next = sent_.front();
    sent_.pop_front();
    handle(TaskFinished{next.worker, next.task, next.attempt, absl::Cord("8 bytes!"), 0, run_});
    submit();
  }

 private:
  void submit() { handle(TaskSubmitted{ClientId{1}, ++submitted_, 1, absl::Cord("8 bytes!")}); }

  void handle(Event&& event) {
    actions_.clear();
    now_ += 500ns;
    core_.handle(std::move(event), now_, actions_);
    for (const Action& action : actions_) {
      if (const auto* task = std::get_if<SendTask>(&action)) {
        sent_.push_back({task->worker, task->task, task->attempt});
      }
    }
  }

  Duration run_;
  TimePoint now_{1h};
  Core core_{CoreOptions{}, now_};
  std::vector<Action> actions_;
  std::deque<Sent> sent_;
  std::uint64_t submitted_ = 0;
  std::uint64_t random_ = 1;
};

void Throughput(benchmark::State& state) {
  Load load(static_cast<std::uint64_t>(state.range(0)), static_cast<std::uint64_t>(state.range(1)),
            1us);
  const std::uint64_t done_before = load.done();
  for (auto _ : state) load.step();
  load.expect(state, done_before, static_cast<std::uint64_t>(state.range(1)));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Throughput)
    ->ArgNames({"workers", "in_flight"})
    ->ArgsProduct({{2, 100, 10'000}, {1'000, 1'000'000}});

// Tasks of 100 ms: nothing is prefetched, the queue is long, every outcome is one dispatch.
void LongTasks(benchmark::State& state) {
  Load load(static_cast<std::uint64_t>(state.range(0)), static_cast<std::uint64_t>(state.range(1)),
            100ms);
  const std::uint64_t done_before = load.done();
  for (auto _ : state) load.step();
  load.expect(state, done_before, static_cast<std::uint64_t>(state.range(1)));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(LongTasks)->ArgNames({"workers", "in_flight"})->ArgsProduct({{2, 10'000}, {1'000'000}});

// The same as Throughput at its worst for caches.
void AnyOrder(benchmark::State& state) {
  Load load(static_cast<std::uint64_t>(state.range(0)), static_cast<std::uint64_t>(state.range(1)),
            1us);
  const std::uint64_t done_before = load.done();
  for (auto _ : state) load.step_anywhere();
  load.expect(state, done_before, static_cast<std::uint64_t>(state.range(1)));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(AnyOrder)
    ->ArgNames({"workers", "in_flight"})
    ->ArgsProduct({{2, 10'000}, {1'000, 1'000'000}});

}  // namespace
}  // namespace penstock::scheduler

BENCHMARK_MAIN();
