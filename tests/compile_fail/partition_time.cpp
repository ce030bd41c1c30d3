// expect only: partition() takes its time as an option: partition(n, {.timeout = 10ms})
#include <chrono>
#include <penstock/runtime.hpp>

int main() { penstock::Stream<int>().partition(3, std::chrono::milliseconds(10)); }
