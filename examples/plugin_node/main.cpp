// A node that comes from a shared library: loaded at run time, applied with pipe().
//
//   example_plugin_node [LIBRARY]
//
// The program links penstock::plugin_host, so that the library uses the same Penstock. Both are built with one
// compiler and one version of Penstock. The library must stay loaded while a graph has nodes from it: the
// simplest is never to close it.
#include <dlfcn.h>

#include <iostream>
#include <penstock/runtime.hpp>
#include <stdexcept>
#include <string>

#include "operator.hpp"

LineOperator* load(const char* library) {
  void* const loaded = dlopen(library, RTLD_NOW);
  if (loaded == nullptr) throw std::runtime_error(dlerror());
  void* const found = dlsym(loaded, kLineOperator);
  if (found == nullptr) throw std::runtime_error(dlerror());
  return reinterpret_cast<LineOperator*>(found);
}

int main(int argc, char** argv) {
  LineOperator* const shout = load(argc > 1 ? argv[1] : PLUGIN);

  int count = 0;
  penstock::Stream<std::string> lines;
  lines.pipe(shout).sink([&count](const std::string& line) {
    std::cout << line << '\n';
    ++count;
  });
  for (const char* line : {"hello", "hello", "again"}) lines.emit(line);
  std::cout << count << " lines\n";
}
