// to_websocket(uri): a sink that sends each element as a message to a WebSocket server.
//
//   prices.map(to_json).pipe(penstock::to_websocket("ws://localhost:8765/prices"));   // Stream<std::string>
//
//   in      -a-b-c----------d--|
//   server  --a-b-----b-c----d--      after b the connection is lost, before its pong
//   done    ---a-------b-c----d-      the server has read it: the token is released
//
// It connects at once, keeps at most `window` elements on their way, and tries again with growing pauses
// when the connection cannot be made or is lost; it says so in one line (ReconnectOptions). emit() waits
// for a place in the window. What the server says is read and dropped.
//
// At least once: an element has arrived when the server has read it, which it tells by its pong to a
// ping behind it. What has not arrived when the connection breaks is sent again over the next one, in
// order, so a server may see some elements twice. A server that reads slowly slows the stream down.
//
// At the end of the stream, and when the sink is destroyed, the connection ends with a closing
// handshake; destroyed, it drops what was not written. That goes on in the background for up to 5 s. No
// TLS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "penstock/reconnect.hpp"
#include "penstock/stream.hpp"

namespace penstock {

struct ToWebsocketOptions {
  bool binary = false;      // messages are text, which must be UTF-8
  std::size_t window = 64;  // elements on their way
  ReconnectOptions reconnect = {};
};

class ToWebsocket {
 public:
  ToWebsocket(std::string uri, ToWebsocketOptions options);

  template <class T>
  Sink operator()(const Stream<T>& stream) const {
    static_assert(std::is_same_v<T, std::string>,
                  "to_websocket() sends std::string: map() the elements to it before");
    if constexpr (std::is_same_v<T, std::string>) return attach(stream);
  }

 private:
  Sink attach(const Stream<std::string>& stream) const;

  std::string uri_;
  std::string host_;
  std::string port_;
  std::string path_;
  ToWebsocketOptions options_;
};

// ws://host[:port][/path]. Throws Error for another uri and for bad options.
inline ToWebsocket to_websocket(std::string uri, ToWebsocketOptions options = {}) {
  return ToWebsocket(std::move(uri), std::move(options));
}

}  // namespace penstock
