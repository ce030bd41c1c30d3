// expect: a key must have std::hash and ==, or <
#include <penstock/runtime.hpp>

struct Reading {
  int value;
};

int main() { penstock::Stream<Reading>().unique(); }
