// The examples in the comments of the runtime's headers. They are compiled, not run: each stands here, line for
// line, with the declarations that a reader supplies in thought. docs_test.py compares.
#include <asio/ip/tcp.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <cassert>
#include <chrono>
#include <iostream>
#include <memory>
#include <penstock/codec.hpp>
#include <penstock/own_node.hpp>
#include <penstock/runtime.hpp>
#include <penstock/task.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace examples {

struct Order {
  std::string symbol;
  double price;
};

int parse(const std::string& text);
int f(int x);
void g(int x);
void print(int x);
void store(int x);

void aggregates(penstock::Stream<std::string> words) {
  struct Longest {                      // the longest word, the newest of equal ones
    std::string of(const std::string& word) const { return word; }
    std::string combine(const std::string& older, const std::string& newer) const {
      return newer.size() < older.size() ? older : newer;
    }
    std::string result(const std::string& longest) const { return longest; }
  };
  words.window(10).aggregate(Longest{});
}

namespace codec {
struct Reading { std::string sensor; double value; std::vector<float> samples; };

void example(const Reading& reading) {
  std::string bytes;
  penstock::encode(reading, bytes);
  Reading copy;
  absl::Status status = penstock::decode(bytes, copy);
}

class Private {
 public:
  static auto penstock_fields(auto& t) { return std::tie(t.sensor_, t.value_); }

 private:
  std::string sensor_;
  double value_ = 0;
};

void example(const Private& value, std::string& bytes) { penstock::encode(value, bytes); }
}  // namespace codec

void loop(penstock::Stream<int> source) {
  asio::io_context io;
  source.rate_limit(500ms, {.loop = io.get_executor()});   // the application's own loop
  penstock::LoopThread thread;
  source.rate_limit(500ms, {.loop = thread});              // a loop on a thread of its own
  asio::thread_pool pool(8);                               // many streams, a strand for each
  source.rate_limit(500ms, {.loop = asio::make_strand(pool.get_executor())});
}

void sink(penstock::Stream<int> source) {
  source.sink([](int x) { std::cout << x << '\n'; });
}

void sink_to_textfile(penstock::Stream<std::string> lines) {
  lines.sink_to_textfile("out.txt", {.truncate = true});
}

void sink_to_vector(penstock::Stream<int> source) {
  const auto all = source.map(f).sink_to_vector();
  source.emit(1);
  all.values();                        // a copy of what has arrived so far; any thread
}

void window(penstock::Stream<Order> orders) {
  orders.window(1min).by(&Order::symbol).mean(&Order::price);   // std::pair<std::string, double>
}

namespace own_node {
template <class T>
class EveryOther : public penstock::Operator<EveryOther<T>, T, T> {       // takes T, emits T
 public:
  explicit EveryOther(penstock::Place place)
      : penstock::Operator<EveryOther, T, T>(std::move(place), "every_other") {}

  template <class U>
  void receive(U&& value, penstock::Delivery& delivery) {
    if (++count_ % 2 == 0) this->push_down(std::forward<U>(value), delivery);
  }

 private:
  int count_ = 0;
};

void example(penstock::Stream<int> numbers) {
  constexpr auto every_other = []<class T>(const penstock::Stream<T>& s) {
    return s.handle(s.template attach<EveryOther<T>>());
  };
  numbers.pipe(every_other).sink(print);
}
}  // namespace own_node

namespace queue {
int f(const Order& order);

void example(const Order& order) {
  auto queue = std::make_shared<penstock::Queue<Order>>(1000);
  auto orders = penstock::from_queue(queue);
  orders.map(f).sink(g);
  orders.start();
  queue->push(order);       // any thread; waits while 1000 are in it
}
}  // namespace queue

namespace source {
int f(const std::string& text);

void example() {
  auto lines = penstock::from_textfile("orders.txt");
  lines.map(f).sink(g);
  lines.start();
}
}  // namespace source

int load(const std::filesystem::path& path);

void filenames() {
  auto files = penstock::filenames("/data/in/*.csv");
  files.map(load).sink(store);
  files.start();
}

asio::awaitable<void> connect(asio::ip::tcp::socket& socket, std::uint16_t port);
asio::awaitable<std::string> read_line(asio::ip::tcp::socket& socket);

void from_coroutine(std::uint16_t port) {
  auto lines = penstock::from_coroutine<std::string>(
      [port](penstock::Emitter<std::string> out) -> asio::awaitable<void> {
        asio::ip::tcp::socket socket(out.executor());
        co_await connect(socket, port);
        for (;;) co_await out.emit(co_await read_line(socket));   // waits while the stream is slow
      });
}

void from_iterable() {
  auto numbers = penstock::from_iterable(std::vector{1, 2, 3});
  numbers.map(f).sink(g);
  numbers.start();
}

void from_process() {
  auto lines = penstock::from_process({"journalctl", "--follow", "--output=json"}, {.restart = true});
  lines.map(parse).sink(store);
  lines.start();
}

void from_textfile() {
  auto lines = penstock::from_textfile("orders.txt");
  lines.map(parse).sink(store);
  lines.start();
  lines.drain();                                  // until the end of the file
}

void stream() {
  penstock::Stream<int> source;
  source.map([](int x) { return x + 1; }).sink([](int x) { std::cout << x << '\n'; });
  source.emit(1);                                   // prints 2 before it returns
}

void task(double factor) {
  auto stage = penstock::detail::map_stage<double>([factor](double x) { return factor * x; });
  auto wire = penstock::detail::make_stage(*stage.entry, stage.constants);
}

void acknowledge(long offset);

void token(penstock::Stream<std::string> source, std::string message, long offset) {
  source.emit(message, penstock::Token([offset] { acknowledge(offset); }));
}

void virtual_loop() {
  penstock::VirtualLoop loop;
  penstock::Stream<int> source;
  auto out = source.rate_limit(500ms, {.loop = loop}).sink_to_vector();
  source.emit(1);                 // a blocking emit lets virtual time pass while it waits
  source.emit(2);
  assert(loop.elapsed() == 500ms);
}

}  // namespace examples
