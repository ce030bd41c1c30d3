// soak [--elements N]: lets N elements (100 million) through a graph with every node, on one thread, and
// fails when a result is wrong, a token is not released once, or memory grows: by more than a tenth and
// 8 MiB from a fifth of the way to the end.
#include <asio/io_context.hpp>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>

#include "tests/soak/memory.hpp"
#include "tests/soak/soak.hpp"

namespace penstock::soak {

bool Figures::check(bool print_all) const {
  bool right = true;
  for (const Figure& figure : figures_) {
    const bool fits = figure.least <= figure.value && figure.value <= figure.most;
    right = right && fits;
    if (fits && !print_all) continue;
    std::printf("%-5s %-40s %20llu", fits ? "" : "WRONG", figure.name.c_str(),
                static_cast<unsigned long long>(figure.value));
    if (!fits) std::printf(", expected %llu", static_cast<unsigned long long>(figure.least));
    std::printf("\n");
  }
  for (const Real& real : reals_) {
    const bool fits = std::abs(real.value - real.expected) <= 1e-9 * std::abs(real.expected);
    right = right && fits;
    if (fits && !print_all) continue;
    std::printf("%-5s %-40s %20.6f, expected %.6f\n", fits ? "" : "WRONG", real.name.c_str(), real.value,
                real.expected);
  }
  return right;
}

namespace {

constexpr long kTokenEvery = 16;

// Prints how far it is, and remembers the memory at a fifth of the way.
class Watch {
 public:
  Watch(const Loop& loop, long n) : loop_(loop), n_(n), start_(loop.now()), next_(start_) {}

  void passed(long x) {
    if (x == n_ / 5) early_ = resident_mib();
    if (x % 1024 != 0 || loop_.now() < next_) return;
    next_ = loop_.now() + 5s;
    print(x);
  }
  bool finish() {
    print(n_);
    const double late = resident_mib();
    const bool fits = !kMemoryTells || late <= 1.1 * early_ + 8;
    std::printf("%s%.1f MiB at a fifth of the way, %.1f MiB at the end\n", fits ? "" : "GROWS: ", early_,
                late);
    return fits;
  }

 private:
  void print(long x) const {
    const double seconds = std::chrono::duration<double>(loop_.now() - start_).count();
    std::printf("%7.1f s  %11ld elements  %7.0f ns each  %7.1f MiB\n", seconds, x,
                x > 0 ? 1e9 * seconds / static_cast<double>(x) : 0, resident_mib());
    std::fflush(stdout);
  }

  const Loop& loop_;
  const long n_;
  const TimePoint start_;
  TimePoint next_;
  double early_ = 0;
};

Source<long> make_source(long n, const LoopRef& loop, Watch& watch, Number& released) {
  return from_coroutine<long>(
      [n, &watch, &released](Emitter<long> out) -> asio::awaitable<void> {
        for (long x = 0; x < n; ++x) {
          watch.passed(x);
          if (x % kTokenEvery != 0) {
            co_await out.emit(x);
          } else {
            co_await out.emit(x, Token([&released] { ++released; }));
          }
        }
      },
      {.loop = loop, .finite = true});
}

// What the sinks that keep or write have at the end.
void check_sinks(Soak& soak) {
  soak.figures.exactly("sink_to_vector", 1000) = soak.vector->values().size();
  std::ifstream file(soak.file);
  long number = -1;
  auto& lines = soak.figures.exactly("sink_to_textfile", 1000);
  while (file >> number) lines += number == static_cast<long>(10 * lines) ? 1 : 0;
}

// Runs the loop until everything has left the graph.
void run(asio::io_context& io, const Source<long>& source) {
  bool drained = false;
  source.start();
  source.async_drain([&drained](std::exception_ptr) { drained = true; });
  while (!drained) io.run_one();
}

bool soak(long n) {
  Figures figures;
  auto& released = figures.exactly("tokens", static_cast<Number>(n / kTokenEvery));
  bool fits = false;
  {
    asio::io_context io(1);
    const LoopRef loop(io);
    Watch watch(*loop.get(), n);
    const auto source = make_source(n, loop, watch, released);
    const auto tenth = source.slice(0, std::nullopt, 10);
    Soak graph{n, loop, figures, source, tenth, tenth.slice(0, std::nullopt, 100)};
    for (auto* add : {add_plain, add_stateful, add_joins, add_windows, add_timed, add_awaiting, add_failing,
                      add_changing}) {
      add(graph);
    }
    run(io, source);
    graph.endless->stop();
    io.poll();
    fits = watch.finish();
    graph.feeder.join();
    check_sinks(graph);
    std::filesystem::remove(graph.file);
  }
  return figures.check(!fits) && fits;
}

long elements(int argc, char** argv) {
  if (argc == 1) return 100'000'000;
  if (argc == 3 && std::strcmp(argv[1], "--elements") == 0) return std::atol(argv[2]);
  return 0;
}

}  // namespace
}  // namespace penstock::soak

int main(int argc, char** argv) {
  const long n = penstock::soak::elements(argc, argv) / 10'000 * 10'000;
  if (n <= 0) {
    std::fprintf(stderr, "usage: soak [--elements N]: N is a number of ten thousands\n");
    return 2;
  }
  return penstock::soak::soak(n) ? 0 : 1;
}
