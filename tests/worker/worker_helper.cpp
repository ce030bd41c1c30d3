// The program that supervisors start in tests. Its first argument says how it behaves.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <penstock/worker.hpp>

#include "worker/black_box.hpp"
#include "worker/environment.hpp"
#include "worker/process.hpp"

namespace {

using namespace penstock::worker;

[[noreturn]] void crash_while_running_a_task() {
  const auto environment = take_environment();
  auto box = BlackBox::open(environment->black_box_fd);
  (*box)->started(0, TaskId{42}, 1);
  std::fputs("about to follow a bad pointer\n", stderr);
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
  std::abort();
}

// A worker, so that the test sees when it is ready, but one that cannot be told to stop.
[[noreturn]] void ignore_signals() {
  signal(SIGTERM, SIG_IGN);
  penstock::Worker worker({.scheduler = take_environment()->scheduler, .threads = 1});
  worker.start();
  while (true) pause();
}

[[noreturn]] void grow() {
  const std::size_t bytes = std::size_t{64} << 20;
  std::vector<char> memory(bytes, 'x');
  while (memory.back() == 'x') pause();
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string behaviour = argc > 1 ? argv[1] : "serve";
  if (behaviour == "serve" && started_as_worker()) run_worker_process();
  if (behaviour == "crash") crash_while_running_a_task();
  if (behaviour == "deaf") ignore_signals();
  if (behaviour == "grow") grow();
  if (behaviour == "exit" && argc > 2) return std::atoi(argv[2]);
  return 0;  // a main() that forgot penstock::init()
}
