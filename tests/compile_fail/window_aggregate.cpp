// expect only: an aggregate needs of(x), combine(older, newer) and result(part), all const
#include <penstock/runtime.hpp>

struct Half {
  int of(int x) const { return x; }
};

int main() { penstock::Stream<int>().window(10).aggregate(Half()); }
