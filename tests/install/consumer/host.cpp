// Loads a library with tasks and calls one of them by its name.
#include <dlfcn.h>

#include <cstdio>
#include <iostream>
#include <penstock/penstock.hpp>

int main(int argc, char** argv) {
  penstock::init();
  if (argc != 2 || dlopen(argv[1], RTLD_NOW) == nullptr) {
    std::fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: host LIBRARY");
    return 1;
  }
  const auto client = penstock::Client::local(
      {.mode = penstock::Client::Workers::kThreads, .workers = 1, .dashboard = false});
  std::cout << client.submit(penstock::remote<int(int)>("twice"), 21).get() << ' ';
}
