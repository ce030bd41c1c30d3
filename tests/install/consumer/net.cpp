// Lines to oneself.
#include <penstock/connectors/from_tcp.hpp>
#include <penstock/connectors/to_tcp.hpp>
#include <penstock/runtime.hpp>

#include <cstdint>
#include <future>
#include <iostream>
#include <string>

int main() {
  std::promise<std::uint16_t> port;
  std::promise<void> done;
  const auto lines = penstock::from_tcp(0, {.on_listen = [&](auto number) { port.set_value(number); }});
  lines.sink([&](const std::string& line) {
    std::cout << line << ' ' << std::flush;
    done.set_value();
  });
  lines.start();
  const penstock::Stream<std::string> out;
  out.pipe(penstock::to_tcp("127.0.0.1", port.get_future().get()));
  out.emit("sent and received");
  done.get_future().wait();
  lines.stop();
}
