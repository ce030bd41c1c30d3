// A graph with every node, for elements without number: what comes out of it must be right, and its memory
// must not grow. Each section stands in a file and is checked by figures.
#pragma once

#include <cmath>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "penstock/runtime.hpp"

namespace penstock::soak {

using namespace std::chrono_literals;  // NOLINT

using Number = std::uint64_t;  // sums are modulo 2^64

// What came out, and between which numbers it must lie.
class Figures {
 public:
  Number& exactly(std::string name, Number expected) { return between(std::move(name), expected, expected); }
  Number& between(std::string name, Number least, Number most) {
    return figures_.emplace_back(Figure{std::move(name), 0, least, most}).value;
  }
  // Real numbers, rounded differently in each order of adding.
  double& about(std::string name, double expected) {
    return reals_.emplace_back(Real{std::move(name), 0, expected}).value;
  }
  // Prints those that are wrong, and all of them if so told. True: none is.
  bool check(bool print_all) const;

 private:
  struct Figure {
    std::string name;
    Number value;
    Number least;
    Number most;
  };
  struct Real {
    std::string name;
    double value;
    double expected;
  };

  std::deque<Figure> figures_;
  std::deque<Real> reals_;
};

// What the sections share.
struct Soak {
  long n;  // elements 0, 1, ... n - 1; a multiple of 10,000
  LoopRef loop;
  Figures& figures;
  Stream<long> numbers;
  Stream<long> tenth;  // every tenth of them
  Stream<long> thousandth;

  // Handles that functions of the graph use: not captured there, or it would keep itself alive.
  std::optional<Collected<long>> collected = {};
  std::optional<VectorSink<long>> vector = {};
  std::vector<NodeHandle> branch = {};     // that comes and goes
  std::optional<NodeHandle> endless = {};  // behind a source that does not end
  std::thread feeder = {};                 // of a queue
  std::string file = {};                   // that a sink writes
};

void add_plain(Soak& soak);
void add_stateful(Soak& soak);
void add_joins(Soak& soak);
void add_windows(Soak& soak);
void add_timed(Soak& soak);
void add_awaiting(Soak& soak);
void add_failing(Soak& soak);
void add_changing(Soak& soak);

// The sum of f(x) for all elements, or for every step-th.
template <class F>
Number total(long n, long step, F f) {
  Number sum = 0;
  for (long x = 0; x < n; x += step) sum += static_cast<Number>(f(x));
  return sum;
}
inline Number total(long n, long step = 1) {
  return total(n, step, [](long x) { return x; });
}

// Functions of sinks that fill a figure.
inline auto sum_into(Number& figure) {
  return [&figure](long x) { figure += static_cast<Number>(x); };
}
inline auto count_into(Number& figure) {
  return [&figure](const auto&) { ++figure; };
}
inline auto last_into(Number& figure) {
  return [&figure](long x) { figure = static_cast<Number>(x); };
}
inline auto sum_items_into(Number& figure) {
  return [&figure](const std::vector<long>& items) {
    for (const long x : items) figure += static_cast<Number>(x);
  };
}

inline constexpr auto kAdd = [](long a, long b) { return a + b; };

}  // namespace penstock::soak
