// expect only: window() aggregates values, and these are futures
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.window(3);
}
