// What the tests of nodes on a cluster share: one in this process, and a stream that is scattered over it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <penstock/penstock.hpp>
#include <string>
#include <thread>

namespace penstock {

struct Trade {
  std::string symbol;
  double price = 0;
  int size = 0;

  double value() const { return price * size; }
};

struct LocalClusterCase : testing::Test {
  Client client = Client::local(
      {.workers = 2, .threads = 2, .dashboard = false});
  Stream<int> source;
  DistributedStream<int> scattered = source.scatter(client);

  void emit(int from, int to) {
    for (int x = from; x <= to; ++x) source.emit(x);
  }
};

// Slower for some, so that outcomes come back in another order.
inline int uneven(int x) {
  std::this_thread::sleep_for(std::chrono::microseconds((x * 37) % 300));
  return x;
}

}  // namespace penstock
