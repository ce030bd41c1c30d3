// expect: type has no default constructor
#include <penstock/codec.hpp>

struct Borrowed {
  int& value;
};

int main() {
  int value = 0;
  std::string out;
  penstock::encode(Borrowed{value}, out);
}
