// from_http_server(port): an HTTP server; each POST or PUT becomes an element.
//
//   auto orders = penstock::from_http_server(8080, {.path = "/orders"});
//   orders.map([](const penstock::HttpRequest& request) { return parse(request.body); }).sink(store);
//   orders.start();                      // curl -d '{"id": 7}' http://127.0.0.1:8080/orders
//
//   requests  -a-b-------c----
//   out       -a---b-----c----      behind it a slow sink
//   answers   -----a---b-----c      200, each when its element was delivered
//
// The answer, 200, is sent when the element was delivered, as emit() understands it: a slow stream makes
// clients wait. What fails downstream is the stream's affair, and answered 200 too. Requests become
// elements one at a time, in the order in which they were complete. Connections are kept for further
// requests.
//
// Other answers: 400 no HTTP, 404 another path, 405 another method, 413 a body above max_body_bytes, 431
// headers above 8 KiB, 503 with Retry-After when max_waiting requests wait for delivery. None of them is
// an error of the source. A connection ends when its next request is not whole within read_timeout, or
// does not take its answer within it.
//
// It listens between start() and stop(), on the graph's loop. stop() closes port and connections at
// once; a request whose element was not delivered by then gets no answer. A port that cannot be had is
// an Error of the source (its policy; drain() throws it), with address and reason: it stands still then
// until the next start(). No TLS: put a proxy in front.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "penstock/source.hpp"

namespace penstock {

struct HttpRequest {
  std::string method;  // "POST" or "PUT"
  std::string target;  // "/orders/7?fast=1", as it came
  std::vector<std::pair<std::string, std::string>> headers;  // as they came
  std::string body;
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";  // an IP address of this machine; "0.0.0.0" or "::": all of them
  std::string path = "/";             // this one and all below it
  std::size_t max_body_bytes = 1 << 20;
  std::size_t max_waiting = 1024;      // requests that wait for delivery
  std::size_t max_connections = 1024;  // others wait until one ends
  Duration read_timeout = std::chrono::seconds{30};
  // Told the port whenever it listens; on the loop's thread.
  std::function<void(std::uint16_t port)> on_listen = {};
  LoopRef loop = {};
};

// Port 0: any free one; the same at the next start(). Throws Error for bad options.
Source<HttpRequest> from_http_server(std::uint16_t port, HttpServerOptions options = {});

}  // namespace penstock
