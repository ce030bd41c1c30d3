// expect: type is not an aggregate and has no serialiser; add
#include <penstock/task.hpp>

class Account {
 public:
  Account() {}
};

int main() {
  penstock::detail::map_stage<int>([](int) { return Account(); });
}
