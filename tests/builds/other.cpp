// The same names as in main.cpp, with other code behind them.
#include "other.hpp"

namespace {

int change(int x) { return x + 2; }

struct Change {
  int by;
  int operator()(int x) const { return x + 100 * by; }
};

}  // namespace

std::vector<int> changed_by_other_file(const penstock::Client& client) {
  return {client.submit(change, 0).get(), client.submit(Change{2}, 0).get(),
          client.submit([](int x) { return x + 20'000; }, 0).get()};
}
