// expect only: this function cannot be called with the parts of the stream's tuple
#include <penstock/runtime.hpp>

int main() { penstock::Stream<std::pair<int, int>>().starmap([](int x) { return x; }).sink([](int) {}); }
