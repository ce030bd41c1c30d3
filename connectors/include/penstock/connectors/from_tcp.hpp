// from_tcp(port): a server whose connections' lines become elements.
//
//   auto readings = penstock::from_tcp(9000);            // echo 21.5 | nc 127.0.0.1 9000
//   readings.map(parse).sink(store);
//   readings.start();
//
//   connection A   ab|c\n--d\n-----
//   connection B   ---x\n----y\n---
//   out            ---x-abc-d-y----                      without the delimiters
//
// Lines of one connection keep their order. An element is what stands before a delimiter; what a
// connection leaves without one when it ends is dropped, for nobody knows whether it is whole.
//
// Back-pressure: a connection is read on when all it sent before was delivered, so a slow stream makes
// senders wait. Each connection takes memory for one line and 16 KiB. Connections take turns.
//
// It listens between start() and stop(), on the graph's loop. stop() closes port and connections at
// once; what was read and not emitted is dropped. A port that cannot be had is an Error of the source
// (its policy; drain() throws it), with address and reason: it stands still then until the next start().
// A line that is too long is left out and an Error that names the peer. Peers that vanish without a word
// are found within two minutes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "penstock/source.hpp"

namespace penstock {

struct FromTcpOptions {
  std::string address = "127.0.0.1";  // an IP address of this machine; "0.0.0.0" or "::": all of them
  std::string delimiter = "\n";
  std::size_t max_line_bytes = 1 << 20;
  std::size_t max_connections = 1024;  // others wait until one ends
  // Told the port whenever it listens; on the loop's thread.
  std::function<void(std::uint16_t port)> on_listen = {};
  LoopRef loop = {};
};

// Port 0: any free one; the same at the next start(). Throws Error for bad options.
Source<std::string> from_tcp(std::uint16_t port, FromTcpOptions options = {});

}  // namespace penstock
