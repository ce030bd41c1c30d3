// expect only: use map(), which runs many at once anyway
#include <penstock/penstock.hpp>

int main() {
  penstock::DistributedStream<int> s;
  s.map_async([](int x) -> asio::awaitable<int> { co_return x; });
}
