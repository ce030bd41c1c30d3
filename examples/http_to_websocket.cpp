// Orders come in over HTTP, their totals go out over WebSocket. Here both ends are in one program: a customer
// who posts, and a display that listens. The ports are any free ones.
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <cstdint>
#include <future>
#include <iostream>
#include <string>

#include "penstock/connectors/from_http_server.hpp"
#include "penstock/connectors/from_websocket.hpp"
#include "penstock/connectors/to_websocket.hpp"
#include "penstock/runtime.hpp"

namespace {

// As curl -d '3' http://127.0.0.1:<port>/orders does. Returns the first line of the answer.
std::string post(std::uint16_t port, const std::string& body) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), port});
  asio::write(socket, asio::buffer("POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                                   std::to_string(body.size()) + "\r\n\r\n" + body));
  std::string answer;
  asio::read_until(socket, asio::dynamic_buffer(answer), "\r\n");
  return answer.substr(0, answer.find("\r\n"));
}

int parse(const penstock::HttpRequest& request) { return std::stoi(request.body); }

}  // namespace

int main() {
  // The display.
  std::promise<std::uint16_t> display_port;
  std::promise<void> shown_all;
  int count = 0;
  auto display = penstock::from_websocket(0, {.on_listen = [&](auto port) { display_port.set_value(port); }});
  display.sink([&](const std::string& message) {
    std::cout << message << std::endl;
    if (++count == 4) shown_all.set_value();
  });
  display.start();
  const auto uri = "ws://127.0.0.1:" + std::to_string(display_port.get_future().get());

  // The pipeline.
  std::promise<std::uint16_t> shop_port;
  auto orders = penstock::from_http_server(
      0, {.path = "/orders", .on_listen = [&](auto port) { shop_port.set_value(port); }});
  orders.map(parse)
      .on_error(penstock::ErrorPolicy::skip())
      .scan([](int total, int amount) { return total + amount; }, 0)
      .map([](int total) { return "total " + std::to_string(total); })
      .pipe(penstock::to_websocket(uri));
  orders.start();

  // The customer.
  const auto port = shop_port.get_future().get();
  for (const char* amount : {"1", "20", "no number", "300", "4000"}) {
    std::cerr << "posted " << amount << ": " << post(port, amount) << '\n';
  }

  shown_all.get_future().wait();
  orders.stop();
  orders.drain();
  display.stop();
}
