// expect only: a stream carries values
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int&> source;
}
