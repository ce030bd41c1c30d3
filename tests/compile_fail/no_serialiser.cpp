// expect: type is not an aggregate and has no serialiser; add `static auto penstock_fields(auto&
#include <penstock/codec.hpp>

class Account {
 public:
  int balance() const { return balance_; }

 private:
  int balance_ = 0;
};

int main() {
  std::string out;
  penstock::encode(Account(), out);
}
