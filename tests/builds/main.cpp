// program [SCHEDULER]: runs functions of every kind in other processes, of its own or of a cluster, and
// prints what they return.
#include <iostream>
#include <string>

#include "other.hpp"

namespace {

int change(int x) { return x + 1; }

struct Change {
  int by;
  int operator()(int x) const { return x + 100 * by; }
};

// Equal code, other types: a linker may give both functions one address.
long as_number(long x) { return x; }
long as_duration(std::chrono::nanoseconds x) { return x.count(); }

#ifdef REBUILT
int added(int x) { return x + 3; }
#endif

std::vector<int> changed_here(const penstock::Client& client) {
  return {client.submit(change, 0).get(), client.submit(Change{1}, 0).get(),
          client.submit([](int x) { return x + 10'000; }, 0).get()};
}

std::vector<std::string> streamed(const penstock::Client& client) {
  penstock::Stream<int> source;
  const int factor = 3;
  auto out = source.scatter(client)
                 .map([factor](auto x) { return x * factor; })
                 .accumulate([](long sum, int x) { return sum + x; }, 0L)
                 .map([](long x, const std::string& unit) { return std::to_string(x) + unit; },
                      std::string("m"))
                 .gather()
                 .sink_to_vector();
  for (int x = 1; x <= 4; ++x) source.emit(x);
  source.drain();
  return out.values();
}

void run(const penstock::Client& client) {
  for (int x : changed_here(client)) std::cout << x << ' ';
  for (int x : changed_by_other_file(client)) std::cout << x << ' ';
  std::cout << client.submit(as_number, 7L).get() << ' '
            << client.submit(as_duration, std::chrono::nanoseconds(8)).get() << ' ';
  for (const auto& x : streamed(client)) std::cout << x << ' ';
#ifdef REBUILT
  std::cout << client.submit(added, 0).get();
#endif
  std::cout << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  penstock::init();
  try {
    run(argc > 1 ? penstock::Client::connect(argv[1])
                 : penstock::Client::local({.workers = 1, .dashboard = false}));
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
