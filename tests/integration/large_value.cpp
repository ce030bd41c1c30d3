// large_value SCHEDULER [BYTES]: one worker makes a value of so many bytes, another one reads it, and so does this
// program. Prints what they saw, and which machine each took itself for: on another one, values are read over TCP.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <penstock/penstock.hpp>
#include <set>
#include <string>

#include "proto/shared_bytes.hpp"

namespace {

std::string make(std::size_t bytes) {
  std::string value(bytes, 'a');
  for (std::size_t i = 0; i < bytes; i += 4096) value[i] = static_cast<char>('a' + i / 4096 % 26);
  return value;
}
bool is_right(const std::string& value, std::size_t bytes) { return value == make(bytes); }
std::string machine() { return penstock::proto_values::this_machine(); }

}  // namespace

int main(int argc, char** argv) {
  penstock::init();
  if (argc < 2) return 2;
  const std::size_t bytes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 50'000'000;
  try {
    const auto client = penstock::Client::connect(argv[1]);
    client.wait_for_workers(2);
    const auto workers = client.list_workers();
    const auto on = [&](std::size_t i) { return client.with({.worker = workers.at(i).name}); };
    std::set<std::string> machines{machine(), on(0).submit(machine).get(), on(1).submit(machine).get()};
    const auto value = on(0).submit(make, bytes);
    const bool right_there = on(1).submit(is_right, value, bytes).get();
    const bool right_here = is_right(value.get(), bytes);
    std::cout << machines.size() << " machines, " << bytes << " bytes, " << (right_there ? "right" : "WRONG")
              << " on the other worker, " << (right_here ? "right" : "WRONG") << " here\n";
    return right_there && right_here ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
