// expect: a pointer means nothing in another process
#include <penstock/codec.hpp>

int main() {
  std::string out;
  penstock::encode(std::make_shared<int>(1), out);
}
