// expect: an enum without a fixed underlying type cannot be checked when it is decoded
#include <penstock/codec.hpp>

enum Color { kRed, kGreen };

int main() {
  std::string out;
  penstock::encode(kRed, out);
}
