// expect only: remove() needs a predicate
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().remove([](const std::string& name) { return name.empty(); });
}
