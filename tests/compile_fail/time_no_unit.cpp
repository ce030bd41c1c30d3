// expect only: times need a unit: write 10ms (using namespace std::chrono_literals)
#include <penstock/runtime.hpp>

int main() { penstock::Stream<int>().timed_window(10).sink([](const std::vector<int>&) {}); }
