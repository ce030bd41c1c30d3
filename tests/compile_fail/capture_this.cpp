// expect: this lambda captures a reference, a pointer or 'this', which means nothing in another
#include <penstock/task.hpp>

struct Owner {
  int offset = 1;
  void build() {
    penstock::detail::map_stage<int>([this](int x) { return x + offset; });
  }
};

int main() { Owner().build(); }
