// expect only: need numbers: say which number of the element is meant, as in window(n).mean
#include <penstock/runtime.hpp>

int main() { penstock::Stream<std::string>().window(10).quantile(0.5); }
