// from_websocket(port): a WebSocket server; each message becomes an element.
//
//   auto ticks = penstock::from_websocket(8765);
//   ticks.map(parse).sink(show);
//   ticks.start();          // in a browser: socket = new WebSocket('ws://127.0.0.1:8765'); socket.send('7')
//
//   connection A   -a---b-----
//   connection B   ---x----y--
//   out            -a-x-b--y--
//
// Text and binary messages alike, each whole, of any path. Messages of one connection keep their order.
//
// Back-pressure: the next message of a connection is read when the one before was delivered. A message
// of more than max_message_bytes ends its connection with close code 1009, and is an Error that names
// the peer. What a connection leaves of a message when it breaks is dropped.
//
// It listens between start() and stop(), on the graph's loop. stop() frees the port at once and closes
// the connections with code 1001, which clients have 5 s to acknowledge. A port that cannot be had is an
// Error of the source (its policy; drain() throws it), with address and reason: it stands still then
// until the next start(). Peers that vanish without a word are found within two minutes. No TLS: put a
// proxy in front. Any web page that a browser on this machine shows may connect, too: that is so with
// WebSockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "penstock/source.hpp"

namespace penstock {

struct WebsocketServerOptions {
  std::string address = "127.0.0.1";  // an IP address of this machine; "0.0.0.0" or "::": all of them
  std::size_t max_message_bytes = 1 << 20;
  std::size_t max_connections = 1024;  // others wait until one ends
  // Told the port whenever it listens; on the loop's thread.
  std::function<void(std::uint16_t port)> on_listen = {};
  LoopRef loop = {};
};

// Port 0: any free one; the same at the next start(). Throws Error for bad options.
Source<std::string> from_websocket(std::uint16_t port, WebsocketServerOptions options = {});

}  // namespace penstock
