// expect: a union does not say which member is alive
#include <penstock/codec.hpp>

union Either {
  int a;
  float b;
};

int main() {
  std::string out;
  penstock::encode(Either{}, out);
}
