// expect: sliding_window() passes each element on several times and moves it, so the
#include <penstock/runtime.hpp>

int main() { penstock::Stream<std::unique_ptr<int>>().sliding_window(10); }
