// expect only: pluck() takes an index for random access ranges, a key for maps
#include <penstock/runtime.hpp>

int main() { penstock::Stream<int>().pluck(0); }
