// plugin_program SCHEDULER LIBRARY: runs the pipeline of the library. It has no tasks of its own.
#include <dlfcn.h>

#include <cstdio>
#include <iostream>
#include <penstock/penstock.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  void* const library = dlopen(argv[2], RTLD_NOW);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  using Pipeline = long (*)(const penstock::Client&, int);
  const auto pipeline = reinterpret_cast<Pipeline>(dlsym(library, "sum_of_squares"));
  try {
    const auto client = penstock::Client::connect(argv[1]);
    client.wait_for_workers(1);
    std::cout << pipeline(client, 100) << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
