// expect: a key must have std::hash and ==, or <
#include <penstock/runtime.hpp>

struct Key {
  int a;
};

int main() {
  penstock::Stream<int>().window(10).by([](int x) { return Key{x}; }).count();
}
