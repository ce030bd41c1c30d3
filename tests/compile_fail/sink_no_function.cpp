// expect only: sink() needs the function that is called with each element
#include <penstock/runtime.hpp>

int main() { penstock::Stream<int>().sliding_window(3).sink(); }
