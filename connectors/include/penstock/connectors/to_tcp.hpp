// to_tcp(host, port): a sink that sends each element as a line over a connection of its own.
//
//   lines.pipe(penstock::to_tcp("collector.example", 9000));     // Stream<std::string>
//
//   in        -a---b---c-------d---|
//   receiver  -a\n-b\n-----c\n-d\n-      before c the connection is lost and found again
//
// It connects at once, keeps at most `window` elements on their way, and tries again with growing pauses
// when the connection cannot be made or is lost; it says so in one line (ReconnectOptions). emit() waits
// for a place in the window. What the receiver says is read and dropped.
//
// An element has arrived when this machine's network has taken it: TCP tells no more. What was not taken
// when the connection broke is sent again, from its beginning, together with what was written along with
// it, so a receiver may see some twice; what was taken and not read by the receiver is lost. Use
// to_websocket() where that matters.
//
// At the end of the stream, and when the sink is destroyed, it sends what was taken and closes;
// destroyed, it drops the rest. It goes on in the background for up to 5 s.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "penstock/reconnect.hpp"
#include "penstock/stream.hpp"

namespace penstock {

struct ToTcpOptions {
  std::string delimiter = "\n";  // behind each element
  std::size_t window = 64;       // elements on their way
  ReconnectOptions reconnect = {};
};

class ToTcp {
 public:
  ToTcp(std::string host, std::uint16_t port, ToTcpOptions options);

  template <class T>
  Sink operator()(const Stream<T>& stream) const {
    static_assert(std::is_same_v<T, std::string>,
                  "to_tcp() sends std::string: map() the elements to it before");
    if constexpr (std::is_same_v<T, std::string>) return attach(stream);
  }

 private:
  Sink attach(const Stream<std::string>& stream) const;

  std::string host_;
  std::uint16_t port_;
  ToTcpOptions options_;
};

// Throws Error for bad options.
inline ToTcp to_tcp(std::string host, std::uint16_t port, ToTcpOptions options = {}) {
  return ToTcp(std::move(host), port, std::move(options));
}

}  // namespace penstock
