// Elements from WebSocket messages; the client is another implementation.
#include "penstock/connectors/from_websocket.hpp"

#include "penstock/connectors/to_websocket.hpp"
#include "tests/connectors/net_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;
using ::testing::StartsWith;

auto websocket_with(WebsocketServerOptions options = {}) {
  return [options](auto on_listen) mutable {
    options.on_listen = on_listen;
    return from_websocket(0, options);
  };
}

Program client_of(const Running<std::string>& server, const std::string& does) {
  return peer("websocket_client.py", std::to_string(server.port) + " " + does);
}

TEST(FromWebsocket, KeepsTheOrderOfEachOfManyConnections) {
  constexpr int kClients = 50;
  constexpr int kMessages = 40;
  Running<std::string> server(websocket_with());
  auto clients = client_of(server, "send_many 50 40");
  std::vector<int> next(kClients, 0);
  for (const auto& message : server.elements->next(kClients * kMessages)) {
    int c = -1, x = -1;
    ASSERT_EQ(std::sscanf(message.c_str(), "%d %d", &c, &x), 2);
    ASSERT_EQ(x, next.at(c)++);
  }
  EXPECT_EQ(clients.line(), "sent");
  EXPECT_EQ(clients.wait(), 0);
}

TEST(FromWebsocket, EndsConnectionsWhoseMessagesAreTooLongAndSaysWhose) {
  Running<std::string> server(websocket_with({.max_message_bytes = 1000}));
  auto client = client_of(server, "send_big 1001");
  EXPECT_EQ(client.line(), "1009");
  EXPECT_EQ(server.elements->next(), std::string(1000, 'x'));
  EXPECT_THAT(server.errors->next(),
              AllOf(HasSubstr("from_websocket(): 127.0.0.1:"), HasSubstr("max_message_bytes (1000)")));
}

TEST(FromWebsocket, StopClosesWithAFarewellAndStartListensThereAgain) {
  Running<std::string> server(websocket_with());
  const auto port = server.port;
  auto client = client_of(server, "stay");
  EXPECT_EQ(client.line(), "said");
  EXPECT_EQ(server.elements->next(), "here");
  server.source.stop();
  EXPECT_EQ(client.line(), "1001");
  server.start();
  EXPECT_EQ(server.port, port);
  auto again = client_of(server, "stay");
  EXPECT_EQ(again.line(), "said");
  EXPECT_EQ(server.elements->next(), "here");
  server.source.stop();
  EXPECT_EQ(again.line(), "1001");
}

TEST(FromWebsocket, StopSaysFarewellWhileTheStreamIsSlow) {
  Running<std::string> server(websocket_with());
  server.valve->shut();
  TcpClient silent(server.port);  // never shakes hands
  auto client = client_of(server, "stay");
  EXPECT_EQ(client.line(), "said");
  server.begun->next();
  server.source.stop();
  EXPECT_EQ(client.line(), "1001");
  EXPECT_TRUE(silent.sees_the_end());
  server.valve->open();
}

TEST(FromWebsocket, ABrokenMessageLeavesNothing) {
  Running<std::string> server(websocket_with());
  auto rude = client_of(server, "break_off");
  EXPECT_EQ(rude.line(), "gone");
  EXPECT_EQ(server.elements->next(), "whole");
  auto next = client_of(server, "send_many 1 1");
  EXPECT_EQ(server.elements->next(), "0 0");
  EXPECT_EQ(next.line(), "sent");
  EXPECT_EQ(server.errors->size(), 0u);
}

TEST(FromWebsocket, AClientThatGoesInTheMiddleOfAHandshakeOrAMessageGivesItsPlaceBack) {
  const std::string handshake =
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  // Masked with zeros.
  const auto frame = [](char kind, const std::string& text) {
    return kind + std::string(1, static_cast<char>(0x80 | text.size())) + std::string(4, '\0') + text;
  };
  constexpr char kText = '\x81', kFirstPart = '\x01', kNextPart = '\0', kLastPart = '\x80';
  Running<std::string> server(websocket_with({.max_connections = 1}));
  TcpClient shy(server.port), rude(server.port), polite(server.port);
  shy.send(handshake.substr(0, 60));
  shy.reset();
  rude.send(handshake);
  EXPECT_THAT(rude.answer(), StartsWith("HTTP/1.1 101"));
  rude.send(frame(kText, "a") + frame(kFirstPart, "not all ") + frame(kNextPart, "of it"));
  EXPECT_EQ(server.elements->next(), "a");
  rude.reset();
  polite.send(handshake);
  EXPECT_THAT(polite.answer(), StartsWith("HTTP/1.1 101"));
  polite.send(frame(kFirstPart, "all ") + frame(kNextPart, "of ") + frame(kLastPart, "it"));
  EXPECT_EQ(server.elements->next(), "all of it");
  EXPECT_EQ(server.errors->size(), 0u);
}

TEST(FromWebsocket, SaysWhichAddressItCannotHaveAndHasItWhenItIsFree) {
  expect_that_a_taken_port_is_told<std::string>("from_websocket", [](std::uint16_t port, auto on_listen) {
    return from_websocket(port, {.on_listen = on_listen});
  });
}

TEST(FromWebsocket, RefusesWhatIsNoWebsocket) {
  Running<std::string> server(websocket_with());
  TcpClient client(server.port);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(client.sees_the_end());
}

TEST(FromWebsocket, ASlowStreamMakesTheSenderWait) {
  Running<std::string> server(websocket_with());
  server.valve->shut();
  Stream<std::string> sender{LoopThread()};
  sender.pipe(to_websocket("ws://127.0.0.1:" + std::to_string(server.port), {.window = 16}));
  constexpr std::size_t kMessages = 400;  // of 100 kB
  std::atomic<std::size_t> emitted = 0;
  std::thread thread([&] {
    for (std::size_t x = 0; x < kMessages; ++x, ++emitted) sender.emit(std::string(100'000, 'x'));
  });
  for (std::size_t before = 1; before != emitted;) {  // until it stalls
    before = emitted;
    std::this_thread::sleep_for(300ms);
  }
  EXPECT_LE(emitted, 17u) << "none of them has arrived";
  server.valve->open();
  server.elements->next(kMessages);
  thread.join();
  sender.drain();
}

TEST(FromWebsocket, DestroyedItClosesItsConnections) {
  Running<std::string> server(websocket_with());
  auto client = client_of(server, "stay");
  EXPECT_EQ(client.line(), "said");
  EXPECT_EQ(server.elements->next(), "here");
  server.source.destroy();
  EXPECT_EQ(client.line(), "1001");
}

TEST(FromWebsocket, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(from_websocket(0, {.max_message_bytes = 0}), Error);
  EXPECT_THROW(from_websocket(0, {.address = "here"}), Error);
}

}  // namespace
}  // namespace penstock
