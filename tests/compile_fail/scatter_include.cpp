// expect only: scatter() needs #include <penstock/distributed_stream.hpp>
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().scatter().map([](int x) { return x; }).gather().sink([](int) {});
}
