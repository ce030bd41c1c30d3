// by_name SCHEDULER TASK: calls a task of this name with 1, 2 and 3, which it does not have itself.
#include <cstdio>
#include <iostream>
#include <penstock/penstock.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const auto client = penstock::Client::connect(argv[1]);
    client.wait_for_workers(1);
    const auto task = penstock::remote<long(long)>(argv[2]);
    penstock::Stream<long> source;
    source.scatter(client).map(task).gather().sink([](long x) { std::cout << x << '\n'; });
    for (long x = 1; x <= 3; ++x) source.emit(x);
    source.drain();
    std::cout << client.submit(task, 4).get() << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
