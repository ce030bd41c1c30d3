// expect only: map_async() needs a function that returns asio::awaitable<R>
#include <penstock/runtime.hpp>

int main() {
  penstock::Stream<int>().map_async([](int x) { return x; });
}
