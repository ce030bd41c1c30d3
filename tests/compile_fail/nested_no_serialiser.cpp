// expect: type is not an aggregate and has no serialiser; add
#include <penstock/codec.hpp>

#include <map>
#include <vector>

class Account {
 public:
  Account() {}
};
struct Bank {
  std::map<std::string, std::vector<Account>> accounts;
};

int main() {
  Bank bank;
  (void)penstock::decode("", bank);
}
