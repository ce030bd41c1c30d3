// Sinks that send over WebSocket and TCP.
#include "penstock/connectors/to_websocket.hpp"

#include <optional>

#include "penstock/connectors/from_tcp.hpp"
#include "penstock/connectors/from_websocket.hpp"
#include "penstock/connectors/to_tcp.hpp"
#include "tests/connectors/net_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;

auto websocket_server() {
  return [](auto on_listen) { return from_websocket(0, {.on_listen = on_listen}); };
}
auto tcp_server(std::uint16_t port = 0) {
  return [port](auto on_listen) { return from_tcp(port, {.on_listen = on_listen}); };
}
std::string uri(std::uint16_t port) { return "ws://127.0.0.1:" + std::to_string(port) + "/there?x=1"; }

// One that nobody listens on.
std::uint16_t free_port() {
  asio::io_context io;
  return tcp::acceptor(io, {asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
}

// A stream on a loop of its own.
struct Sender {
  void emit_numbers(int from, int to) {
    for (int x = from; x < to; ++x) stream.emit(std::to_string(x));
  }
  // Quick to try again.
  ReconnectOptions reconnect() {
    return {.first_pause = 5ms,
            .longest_pause = 50ms,
            .on_notice = [notices = notices](std::string_view text) { notices->add(std::string(text)); }};
  }

  Stream<std::string> stream{LoopThread()};
  std::shared_ptr<Inbox<std::string>> notices = std::make_shared<Inbox<std::string>>();
};

TEST(ToWebsocket, SpeaksWithAnotherServerAndSaysGoodbye) {
  for (const bool binary : {false, true}) {
    auto server = peer("websocket_server.py", "1000");
    const auto port = static_cast<std::uint16_t>(std::stoi(server.line()));
    Sender sender;
    sender.stream.pipe(to_websocket(uri(port), {.binary = binary}));
    sender.emit_numbers(0, 1000);
    sender.stream.close();
    EXPECT_EQ(server.line(), "/there?x=1");
    for (int x = 0; x < 1000; ++x) ASSERT_EQ(server.line(), (binary ? "bytes " : "str ") + std::to_string(x));
    EXPECT_EQ(server.line(), "closed with 1000");
    EXPECT_EQ(server.wait(), 0);
  }
}

TEST(ToWebsocket, DestroyedItSaysGoodbye) {
  auto server = peer("websocket_server.py", "1");
  const auto port = static_cast<std::uint16_t>(std::stoi(server.line()));
  Sender sender;
  auto sink = sender.stream.pipe(to_websocket(uri(port)));
  sender.emit_numbers(7, 8);
  sender.stream.drain();
  sink.destroy();
  EXPECT_EQ(server.line(), "/there?x=1");
  EXPECT_EQ(server.line(), "str 7");
  EXPECT_EQ(server.line(), "closed with 1000");
}

TEST(ToWebsocket, LosesNothingWhenItsServerGoesAndComesBack) {
  constexpr int kNumbers = 3000;
  Running<std::string> server(websocket_server());
  Sender sender;
  sender.stream.pipe(to_websocket(uri(server.port), {.window = 32, .reconnect = sender.reconnect()}));
  std::thread thread([&] { sender.emit_numbers(0, kNumbers); });
  int next = 0;  // all below it have come, in order
  const auto take = [&] {
    const int number = std::stoi(server.elements->next());
    EXPECT_LE(number, next) << "one was lost";
    next = std::max(next, number + 1);
  };
  for (int stops = 1; stops <= 3; ++stops) {
    while (next < stops * kNumbers / 4) take();
    server.source.stop();
    EXPECT_THAT(sender.notices->next(), HasSubstr("connecting again"));
    server.start();
    EXPECT_THAT(sender.notices->next(), HasSubstr("connected again"));
  }
  while (next < kNumbers) take();
  thread.join();
  sender.stream.drain();
}

TEST(ToWebsocket, LosesNothingWhenConnectionsBreakInTheMiddleOfMessages) {
  constexpr int kNumbers = 300;
  const auto text_of = [](int x) { return std::to_string(x) + std::string(1000 + x * 37 % 2000, '.'); };
  Running<std::string> server(websocket_server());
  // The first in the middle of the handshake.
  Relay relay(server.port, [](int connections) { return 100 + connections * 7919 % 60'000; });
  Sender sender;
  sender.stream.pipe(to_websocket(uri(relay.port()), {.window = 8, .reconnect = sender.reconnect()}));
  std::atomic<int> released = 0;
  std::thread thread([&] {
    for (int x = 0; x < kNumbers; ++x) sender.stream.emit(text_of(x), Token([&] { ++released; }));
  });
  for (int next = 0; next < kNumbers;) {  // all below it have come, in order
    const auto message = server.elements->next();
    const int number = std::stoi(message);
    ASSERT_LE(number, next) << "one was lost";
    ASSERT_EQ(message, text_of(number)) << "it was torn";
    next = std::max(next, number + 1);
  }
  thread.join();
  sender.stream.drain();
  EXPECT_TRUE(eventually([&] { return released == kNumbers; }));
  EXPECT_GE(relay.broken(), 10);
  for (bool lost = true; sender.notices->size() > 0; lost = !lost) {
    EXPECT_THAT(sender.notices->next(), AllOf(HasSubstr("to_websocket(ws://127.0.0.1:"),
                                              HasSubstr(lost ? "no connection (" : "connected again"),
                                              ::testing::Not(HasSubstr("()"))));
  }
}

TEST(ToWebsocket, WaitsForAServerThatIsNotThereYet) {
  const auto port = free_port();
  Sender sender;
  sender.stream.pipe(to_websocket(uri(port), {.reconnect = sender.reconnect()}));
  EXPECT_THAT(sender.notices->next(),
              AllOf(HasSubstr("to_websocket(ws://127.0.0.1:"), HasSubstr("connecting again")));
  sender.emit_numbers(0, 10);
  Running<std::string> late(
      [port](auto on_listen) { return from_websocket(port, {.on_listen = on_listen}); });
  EXPECT_THAT(sender.notices->next(), HasSubstr("connected again"));
  EXPECT_EQ(late.elements->next(10).back(), "9");
  sender.stream.drain();
}

TEST(ToWebsocket, DestroyedWithoutAServerItLetsGo) {
  const auto port = free_port();
  Sender sender;
  auto sink = sender.stream.pipe(to_websocket(uri(port), {.window = 2, .reconnect = sender.reconnect()}));
  sender.emit_numbers(0, 2);
  auto third = sender.stream.async_emit("3", asio::use_future);
  sink.destroy();
  EXPECT_TRUE(arrives(third));
  sender.stream.drain();
}

TEST(ToWebsocket, RefusesWhatMakesNoSense) {
  EXPECT_THROW(to_websocket("http://localhost"), Error);
  EXPECT_THROW(to_websocket("wss://localhost"), Error);
  EXPECT_THROW(to_websocket("ws://"), Error);
  EXPECT_THROW(to_websocket("ws://localhost:none/"), Error);
  EXPECT_THROW(to_websocket("ws://localhost:70000"), Error);
  EXPECT_THROW(to_websocket("ws://[::1"), Error);
  EXPECT_THROW(to_websocket("ws://localhost", {.window = 0}), Error);
  to_websocket("ws://[::1]:8765/path");
}

TEST(ToTcp, SendsLinesAndClosesAtTheEnd) {
  Running<std::string> server(tcp_server());
  Sender sender;
  sender.stream.pipe(to_tcp("127.0.0.1", server.port));
  sender.emit_numbers(0, 20'000);
  sender.stream.close();
  const auto lines = server.elements->next(20'000);
  for (int x = 0; x < 20'000; ++x) ASSERT_EQ(lines[x], std::to_string(x));
}

TEST(ToTcp, TriesUntilItsReceiverIsThere) {
  const auto port = free_port();
  Sender sender;
  sender.stream.pipe(to_tcp("127.0.0.1", port, {.reconnect = sender.reconnect()}));
  sender.emit_numbers(0, 10);
  EXPECT_THAT(sender.notices->next(), HasSubstr("to_tcp(127.0.0.1:"));
  Running<std::string> late(tcp_server(port));
  EXPECT_THAT(sender.notices->next(), HasSubstr("connected again"));
  EXPECT_EQ(late.elements->next(10).back(), "9");
  sender.stream.drain();
}

TEST(ToTcp, WhatWasNotTakenWhenTheConnectionBreaksIsSentAgainFromItsBeginning) {
  constexpr int kElements = 40;
  const auto text_of = [](int x) { return std::to_string(x) + std::string(900'000, '.'); };
  asio::io_context io;
  const tcp::endpoint any_port(asio::ip::address_v4::loopback(), 0);
  std::optional<tcp::acceptor> acceptor(std::in_place, io, any_port);
  const auto port = acceptor->local_endpoint().port();
  Sender sender;
  sender.stream.pipe(to_tcp("127.0.0.1", port, {.window = 3, .reconnect = sender.reconnect()}));
  std::atomic<int> taken = 0;
  std::thread thread([&] {
    for (int x = 0; x < kElements; ++x) sender.stream.emit(text_of(x), Token([&] { ++taken; }));
  });
  auto silent = acceptor->accept();
  for (int before = -1; before != taken;) {  // until it stalls
    before = taken;
    std::this_thread::sleep_for(500ms);
  }
  const int first = taken;
  ASSERT_LT(first, kElements - 3) << "what the system buffers, and little more";
  acceptor.reset();
  silent.set_option(tcp::socket::linger(true, 0));
  silent.close();
  EXPECT_THAT(sender.notices->next(), AllOf(HasSubstr("to_tcp(127.0.0.1:" + std::to_string(port) + ")"),
                                            HasSubstr("no connection ("), HasSubstr("connecting again")));
  Running<std::string> receiver(tcp_server(port));
  EXPECT_THAT(sender.notices->next(), HasSubstr("connected again"));
  for (int x = first; x < kElements; ++x) {
    const auto line = receiver.elements->next();
    ASSERT_EQ(line, text_of(x)) << "not that of " << x << ", but " << line.substr(0, 10);
  }
  thread.join();
  sender.stream.drain();
  EXPECT_TRUE(eventually([&] { return taken == kElements; }));
}

TEST(ToTcp, ASlowReceiverMakesItWait) {
  Running<std::string> server(tcp_server());
  server.valve->shut();
  Sender sender;
  sender.stream.pipe(to_tcp("127.0.0.1", server.port, {.window = 4}));
  std::atomic<int> emitted = 0;
  std::thread thread([&] {
    for (; emitted < 400; ++emitted) sender.stream.emit(std::string(100'000, 'x'));
  });
  for (int before = 1; before != emitted;) {  // until it stalls
    before = emitted;
    std::this_thread::sleep_for(300ms);
  }
  EXPECT_LT(emitted, 300) << "what the system buffers, and little more";
  server.valve->open();
  server.elements->next(400);
  thread.join();
}

TEST(ToTcp, RefusesWhatMakesNoSense) {
  EXPECT_THROW(to_tcp("", 9000), Error);
  EXPECT_THROW(to_tcp("localhost", 0), Error);
  EXPECT_THROW(to_tcp("localhost", 9000, {.window = 0}), Error);
  EXPECT_THROW(to_tcp("localhost", 9000, {.reconnect = {.first_pause = 0s}}), Error);
}

}  // namespace
}  // namespace penstock
