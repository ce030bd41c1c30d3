// expect only: a projection is a function R(const T&) or a pointer to a member
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.window(3).mean([](const std::string& text) { return text.size(); });
}
