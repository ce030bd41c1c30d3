// expect: type has no default constructor
#include <penstock/codec.hpp>

struct Id {
  explicit Id(int id) : value(id) {}
  static auto penstock_fields(auto& t) { return std::tie(t.value); }
  int value;
};

int main() {
  std::string out;
  penstock::encode(Id(1), out);
}
