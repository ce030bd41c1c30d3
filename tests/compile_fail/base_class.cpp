// expect: an aggregate with a base class; add
#include <penstock/codec.hpp>

struct Base {
  int a = 0;
};
struct Derived : Base {
  int b = 0;
};

int main() {
  std::string out;
  penstock::encode(Derived(), out);
}
