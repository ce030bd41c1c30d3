// As header_examples.cpp: the examples in the comments of the client's headers.
#include <asio/awaitable.hpp>
#include <chrono>
#include <penstock/penstock.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace examples {

int increment(int x) { return x + 1; }
int heavy(int x) { return x + 1; }
int heavier(int x) { return x + 1; }
void print(int x);

struct Model {
  bool done() const;
  void step();
  double result() const;
};

double simulate(Model model) {
  while (!model.done() && !penstock::this_task::stop_token().stop_requested()) model.step();
  return model.result();
}

void client() {
  auto client = penstock::Client::connect("10.0.0.5:8786");   // a running scheduler
  auto local = penstock::Client::local();                     // scheduler and workers of its own
  auto future = client.submit(increment, 41);
  std::vector<int> all = client.gather(client.map(increment, std::vector{1, 2, 3}));
}

namespace nested {
struct Plan {};
struct Part {};
std::vector<Part> parts_of(const Plan& plan);
double simulate_part(const Part& part);
double total(const std::vector<double>& parts);

double simulate(const Plan& plan) {
  auto client = penstock::Client::current();
  return total(client.gather(client.map(simulate_part, parts_of(plan))));
}
}  // namespace nested

namespace broadcast {
struct Image {
  int pixels = 0;
};
struct Model {
  int label(const Image& image) const { return image.pixels; }
  int weights = 0;
};
Model load_model(const std::string& path);

void use(penstock::Client client, penstock::Stream<Image> images) {
  auto model = client.broadcast(load_model("model.bin"));
  images.scatter().map([](const Image& image, const Model& m) { return m.label(image); }, model).gather();
}
}  // namespace broadcast

void distributed_stream(penstock::Stream<int> source) {
  source.scatter().map(heavy).map(heavier).gather().sink(print);

  penstock::DistributedStream<int> direct;          // or from the start
  direct.map(heavy).gather().sink(print);
  direct.emit(1);
}

struct Price {
  double value = 0;
};
struct A {};
struct B {};
Price parse(const std::string& text);
double fit(const std::vector<Price>& window);
int compare(const A&, const B&);

void windows_and_joins(penstock::Stream<std::string> prices, penstock::DistributedStream<A> a,
                       penstock::DistributedStream<B> b) {
  auto fits = prices.scatter().map(parse).sliding_window(20).map(fit);   // fit(const std::vector<Price>&)
  auto both = a.zip(b).starmap(compare);                                 // compare(const A&, const B&)
}

namespace windows {
struct Order {
  std::string symbol;
  double price = 0;
};
Order parse(const std::string& text);
void print(const std::pair<std::string, double>& mean);

void example(penstock::Stream<std::string> orders) {
  orders.scatter().map(parse).window(1min).by(&Order::symbol).mean(&Order::price).gather().sink(print);
}
}  // namespace windows

std::string fetch(const std::string& url);

void task_options(penstock::Client client, std::string url, penstock::Stream<std::string> urls) {
  client.with({.retries = 3, .pause = 100ms}).submit(fetch, url);
  urls.scatter().map(fetch).with({.retries = 3, .pause = 100ms}).gather();
}

namespace named_task {
struct Trade {
  double value = 0;
  double size = 1;
};

double vwap(const Trade& trade) { return trade.value / trade.size; }
PENSTOCK_TASK(vwap)                                      // in libmarket.so, which workers get with --load

void print(double x);

void example(penstock::Client client, penstock::Stream<Trade> trades, Trade trade) {
  auto vwap = penstock::remote<double(Trade)>("vwap");     // in any program; no definition, no library
  trades.scatter().map(vwap).gather().sink(print);
  client.submit(vwap, trade);
}
}  // namespace named_task

int add(int a, int b);
std::string print_number(int x, const std::string& format);

asio::awaitable<void> future(penstock::Client client) {
  auto future = client.submit(increment, 1);
  int two = future.get();                       // blocks; throws a TaskError when it failed
  int also = co_await future.async_get();       // in a coroutine

  auto three = client.submit(add, future, 1);
  auto text = three.then(print_number, "%d");   // the same as client.submit(print_number, three, "%d")
}

}  // namespace examples
