// expect: sink_to_textfile() needs elements that are strings or numbers or have an operator<<
#include <penstock/runtime.hpp>

struct Reading {
  int value;
};

int main() { penstock::Stream<Reading>().sink_to_textfile("out.txt"); }
