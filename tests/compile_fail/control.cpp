// Compiles: everything that the others do wrong, done right.
#include <penstock/task.hpp>

#include <string>
#include <vector>

struct Reading {
  std::string sensor;
  std::vector<double> values;
};

struct Prefix {
  std::string text;
  std::string operator()(const Reading& reading) const { return text + reading.sensor; }
};

int main() {
  const double factor = 2;
  using namespace penstock::detail;
  map_stage<Reading>([factor](const Reading& r) { return factor * r.values.at(0); });
  map_stage<Reading>([](const Reading& r, const std::string& s) { return r.sensor + s; }, "text");
  map_stage<Reading>(Prefix{"text"});
  accumulate_stage<double, int, false>([](double sum, int x) { return sum + x; });
  call_input([factor](int x) { return factor * x; }, 3);
}
