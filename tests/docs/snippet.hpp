// What the code in the guide is compiled with: docs/snippets.py.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <chrono>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <penstock/own_node.hpp>
#include <penstock/runtime.hpp>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#ifdef PENSTOCK_DOCS_CONNECTORS
#include <penstock/connectors/from_http_server.hpp>
#include <penstock/connectors/from_kafka.hpp>
#include <penstock/connectors/from_tcp.hpp>
#include <penstock/connectors/from_websocket.hpp>
#include <penstock/connectors/mqtt.hpp>
#include <penstock/connectors/to_kafka.hpp>
#include <penstock/connectors/to_tcp.hpp>
#include <penstock/connectors/to_websocket.hpp>
#endif

using namespace std::chrono_literals;  // as the guide has it

namespace penstock::docs {

struct Snippet {
  const char* place;     // page and line
  void (*run)();
  const char* expected;  // on std::cout; null: nothing
};

// Those of all pages.
std::vector<Snippet>& all_snippets();

struct Snippets {
  Snippets(std::initializer_list<Snippet> snippets) {
    all_snippets().insert(all_snippets().end(), snippets);
  }
};

}  // namespace penstock::docs
