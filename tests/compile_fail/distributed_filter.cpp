// expect only: filter() and remove() need a predicate
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.filter([](const std::string& text) { return text.empty(); });
}
