// expect only: a projection is a function R(const T&) or a pointer to a member of the element
#include <penstock/runtime.hpp>

int main() { penstock::Stream<int>().window(10).sum(&std::string::size); }
