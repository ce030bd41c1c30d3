// Lines from TCP connections.
#include "penstock/connectors/from_tcp.hpp"

#include "tests/connectors/net_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;

auto tcp_with(FromTcpOptions options = {}, std::uint16_t port = 0) {
  return [options, port](auto on_listen) mutable {
    options.on_listen = on_listen;
    return from_tcp(port, options);
  };
}

TEST(FromTcp, EmitsLinesHoweverTheyArePieced) {
  Running<std::string> server(tcp_with());
  TcpClient client(server.port);
  client.send("one\ntw");
  EXPECT_EQ(server.elements->next(), "one");
  client.send("o\n\nthree\n");
  EXPECT_THAT(server.elements->next(3), ElementsAre("two", "", "three"));
}

TEST(FromTcp, KeepsTheOrderOfEachOfManyConnections) {
  constexpr int kClients = 200;
  constexpr int kLines = 100;
  Running<std::string> server(tcp_with());
  std::deque<TcpClient> clients;
  for (int c = 0; c < kClients; ++c) clients.emplace_back(server.port);
  for (int x = 0; x < kLines; ++x) {
    for (int c = 0; c < kClients; ++c) clients[c].send(std::to_string(c) + " " + std::to_string(x) + "\n");
  }
  std::vector<int> next(kClients, 0);
  for (const auto& line : server.elements->next(kClients * kLines)) {
    int c = -1, x = -1;
    ASSERT_EQ(std::sscanf(line.c_str(), "%d %d", &c, &x), 2);
    ASSERT_EQ(x, next.at(c)++);
  }
}

TEST(FromTcp, DropsWhatAConnectionLeavesWithoutADelimiter) {
  Running<std::string> server(tcp_with());
  TcpClient polite(server.port), rude(server.port);
  polite.send("a\nhalf a li");
  EXPECT_EQ(server.elements->next(), "a");
  polite.close();
  rude.send("b\nhalf");
  EXPECT_EQ(server.elements->next(), "b");
  rude.reset();
  TcpClient next(server.port);
  next.send("c\n");
  EXPECT_EQ(server.elements->next(), "c");
  EXPECT_EQ(server.elements->size(), 0u);
  EXPECT_EQ(server.errors->size(), 0u);
}

TEST(FromTcp, ASlowStreamMakesTheSenderWait) {
  const std::string line = std::string(1023, 'x') + "\n";
  std::string text;
  for (int x = 0; x < 48 * 1024; ++x) text += line;
  Running<std::string> server(tcp_with());
  server.valve->shut();
  TcpClient client(server.port);
  const auto sent = client.send_until_it_stalls(text);
  EXPECT_LT(sent, text.size() / 2) << "what the system buffers, and little more";
  EXPECT_EQ(server.elements->size(), 0u);
  server.valve->open();
  client.send(std::string_view(text).substr(sent));
  EXPECT_EQ(server.elements->next(48 * 1024).back().size(), 1023u);
}

TEST(FromTcp, StopFreesThePortAndStartListensThereAgain) {
  Running<std::string> server(tcp_with());
  const auto port = server.port;
  TcpClient client(port);
  client.send("a\n");
  EXPECT_EQ(server.elements->next(), "a");
  server.source.stop();
  EXPECT_TRUE(client.sees_the_end());
  {
    Running<std::string> other(tcp_with({}, port));
    EXPECT_EQ(other.port, port);
    other.source.stop();
  }
  for (int tries = 0;; ++tries) {  // until the other's stop has taken effect
    try {
      TcpClient still(port);
    } catch (const std::system_error&) {
      break;
    }
    ASSERT_LT(tries, 10'000);
    std::this_thread::sleep_for(1ms);
  }
  server.start();
  EXPECT_EQ(server.port, port);
  TcpClient again(port);
  again.send("b\n");
  EXPECT_EQ(server.elements->next(), "b");
}

TEST(FromTcp, StopTakesEffectWhileTheStreamIsSlow) {
  Running<std::string> server(tcp_with());
  server.valve->shut();
  TcpClient client(server.port), other(server.port);
  client.send("a\nb\n");
  other.send("c\n");
  server.source.stop();
  EXPECT_TRUE(client.sees_the_end());
  EXPECT_TRUE(other.sees_the_end());
  server.valve->open();
  server.start();
  TcpClient again(server.port);
  again.send("d\n");
  std::string seen;
  while (seen != "d") {
    seen = server.elements->next();
    EXPECT_NE(seen, "b") << "read, and not emitted before the stop";
  }
}

TEST(FromTcp, LeavesOutALineThatIsTooLongAndSaysWhose) {
  Running<std::string> server(tcp_with({.max_line_bytes = 10}));
  TcpClient client(server.port);
  client.send("short\n" + std::string(100'000, 'x') + "\nafter\n");
  EXPECT_THAT(server.elements->next(2), ElementsAre("short", "after"));
  EXPECT_THAT(server.errors->next(), AllOf(HasSubstr("from_tcp(): 127.0.0.1:"), HasSubstr("max_line_bytes")));
}

TEST(FromTcp, SaysWhichAddressItCannotHaveAndHasItWhenItIsFree) {
  expect_that_a_taken_port_is_told<std::string>("from_tcp", [](std::uint16_t port, auto on_listen) {
    return from_tcp(port, {.on_listen = on_listen});
  });
}

TEST(FromTcp, AClientThatGoesInTheMiddleOfALineGivesItsPlaceBackWhenItsLinesAreDelivered) {
  Running<std::string> server(tcp_with({.max_connections = 1}));
  server.valve->shut();
  TcpClient rude(server.port), next(server.port);
  rude.send("a\nb\nhalf a li");
  server.begun->next();
  next.send("c\n");
  rude.reset();
  server.valve->open();
  EXPECT_THAT(server.elements->next(3), ElementsAre("a", "b", "c"));
  EXPECT_EQ(server.errors->size(), 0u);
}

TEST(FromTcp, ConnectionsBeyondTheLimitWait) {
  Running<std::string> server(tcp_with({.max_connections = 2}));
  TcpClient first(server.port), second(server.port);
  first.send("1\n");
  second.send("2\n");
  server.elements->next(2);
  TcpClient third(server.port);
  third.send("3\n");
  second.send("2\n");
  first.send("1\n");
  for (const auto& line : server.elements->next(2)) EXPECT_NE(line, "3");
  first.close();
  EXPECT_EQ(server.elements->next(), "3");
}

TEST(FromTcp, SplitsAtAnyDelimiter) {
  Running<std::string> server(tcp_with({.delimiter = "\r\n\r\n"}));
  TcpClient client(server.port);
  client.send("a\r\nb\r\n\r");
  client.send("\nc\r\n\r\n");
  EXPECT_THAT(server.elements->next(2), ElementsAre("a\r\nb", "c"));
}

TEST(FromTcp, DestroyedItClosesItsConnections) {
  Running<std::string> server(tcp_with());
  server.valve->shut();
  TcpClient client(server.port), idle(server.port);
  client.send("a\nb\n");
  server.source.destroy();
  EXPECT_TRUE(client.sees_the_end());
  EXPECT_TRUE(idle.sees_the_end());
  server.valve->open();
}

TEST(FromTcp, RunsOnTheApplicationsLoopWhichMayEndFirst) {
  std::optional<TcpClient> client, late;
  {
    asio::io_context io;
    std::uint16_t port = 0;
    std::vector<std::string> lines;
    const auto source =
        from_tcp(0, {.on_listen = [&](std::uint16_t number) { port = number; }, .loop = io});
    source.sink([&](const std::string& line) { lines.push_back(line); });
    source.start();
    while (port == 0) io.run_one();
    client.emplace(port);
    client->send("a\nb\n");
    while (lines.size() < 2) ASSERT_EQ(io.run_one_for(kDeadline), 1u);
    EXPECT_THAT(lines, ElementsAre("a", "b"));
    late.emplace(port);
    late->send("c\n");
    source.stop();  // and nothing runs any more
  }
  EXPECT_TRUE(client->sees_the_end());
  EXPECT_TRUE(late->sees_the_end());
}

TEST(FromTcp, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(from_tcp(0, {.address = "localhost"}), Error);
  EXPECT_THROW(from_tcp(0, {.delimiter = ""}), Error);
  EXPECT_THROW(from_tcp(0, {.max_line_bytes = 0}), Error);
  EXPECT_THROW(from_tcp(0, {.max_connections = 0}), Error);
}

}  // namespace
}  // namespace penstock
