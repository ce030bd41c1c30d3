// expect only: pluck<I>(): the elements of the stream have fewer items
#include <penstock/runtime.hpp>

int main() { penstock::Stream<std::pair<int, int>>().pluck<2>(); }
