// As header_examples.cpp: the examples in the comments of the client's headers.
#include <asio/awaitable.hpp>
#include <penstock/penstock.hpp>
#include <vector>

namespace examples {

int increment(int x) { return x + 1; }
int heavy(int x) { return x + 1; }
int heavier(int x) { return x + 1; }
void print(int x);

void client() {
  auto client = penstock::Client::connect("10.0.0.5:8786");   // a running scheduler
  auto local = penstock::Client::local();                     // scheduler and workers of its own
  auto future = client.submit(increment, 41);
  std::vector<int> all = client.gather(client.map(increment, std::vector{1, 2, 3}));
}

void distributed_stream(penstock::Stream<int> source) {
  source.scatter().map(heavy).map(heavier).gather().sink(print);

  penstock::DistributedStream<int> direct;          // or from the start
  direct.map(heavy).gather().sink(print);
  direct.emit(1);
}

asio::awaitable<void> future(penstock::Client client) {
  auto future = client.submit(increment, 1);
  int two = future.get();                       // blocks; throws a TaskError when it failed
  int also = co_await future.async_get();       // in a coroutine
}

}  // namespace examples
