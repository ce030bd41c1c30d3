// expect only: pluck<I>() needs elements like std::tuple
#include <penstock/runtime.hpp>

int main() { penstock::Stream<int>().pluck<0>(); }
