// Elements from HTTP requests.
#include "penstock/connectors/from_http_server.hpp"

#include <sys/resource.h>

#include "tests/connectors/net_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;
using ::testing::StartsWith;

auto http_with(HttpServerOptions options = {}) {
  return [options](auto on_listen) mutable {
    options.on_listen = on_listen;
    return from_http_server(0, options);
  };
}

std::string request(const std::string& method, const std::string& target, const std::string& body,
                    const std::string& headers = "") {
  return method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(FromHttpServer, EmitsWhatIsPostedAndAnswersWhenItIsDelivered) {
  Running<HttpRequest> server(http_with());
  server.valve->shut();
  TcpClient client(server.port), other(server.port);
  client.send(request("POST", "/a/b?c=1", "hello", "X-Number: 7\r\n"));
  other.send(request("GET", "/", ""));
  EXPECT_THAT(other.answer(), StartsWith("HTTP/1.1 405"));
  EXPECT_FALSE(client.has_answer());
  server.valve->open();
  EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 200"));
  const auto element = server.elements->next();
  EXPECT_EQ(element.method, "POST");
  EXPECT_EQ(element.target, "/a/b?c=1");
  EXPECT_EQ(element.body, "hello");
  EXPECT_THAT(element.headers, ::testing::Contains(std::pair<std::string, std::string>("X-Number", "7")));
}

TEST(FromHttpServer, SpeaksWithAnotherClientAndKeepsItsConnection) {
  Running<HttpRequest> server(http_with({.path = "/in", .max_body_bytes = 100'000}));
  auto client = peer("http_client.py", std::to_string(server.port));
  EXPECT_EQ(client.line(), "POST /in/first 200");
  EXPECT_EQ(client.line(), "PUT /in 200");
  EXPECT_EQ(client.line(), "POST /in?chunked 200");
  EXPECT_EQ(client.line(), "POST /inner 404");
  EXPECT_EQ(client.line(), "GET /in 405 POST, PUT");
  EXPECT_EQ(client.line(), "DELETE /in 405 POST, PUT");
  EXPECT_EQ(client.line(), "POST /in/last 200");
  EXPECT_EQ(client.line(), "1 connection");
  EXPECT_EQ(client.line(), "POST /in/big 413");
  EXPECT_EQ(client.wait(), 0);
  std::vector<std::string> bodies;
  for (const auto& element : server.elements->next(4)) bodies.push_back(element.body);
  EXPECT_THAT(bodies, ElementsAre("first", "second", "in three chunks", "last"));
  EXPECT_EQ(server.elements->size(), 0u);
}

TEST(FromHttpServer, AnswersAThousandRequestsAtOnce) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8192);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  constexpr int kRequests = 1000;
  Running<HttpRequest> server(http_with());
  server.valve->shut();
  std::deque<TcpClient> clients;
  for (int x = 0; x < kRequests; ++x) {
    clients.emplace_back(server.port);
    clients.back().send(request("POST", "/", std::to_string(x)));
  }
  server.valve->open();
  for (auto& client : clients) ASSERT_THAT(client.answer(), StartsWith("HTTP/1.1 200"));
  std::vector<bool> seen(kRequests, false);
  for (const auto& element : server.elements->next(kRequests)) seen.at(std::stoul(element.body)) = true;
  EXPECT_THAT(seen, ::testing::Each(true));
}

TEST(FromHttpServer, SaysWhenTooManyWait) {
  Running<HttpRequest> server(http_with({.max_waiting = 2}));
  server.valve->shut();
  std::deque<TcpClient> clients;
  for (int x = 0; x < 5; ++x) {
    clients.emplace_back(server.port);
    clients.back().send(request("POST", "/", std::to_string(x)));
  }
  int refused = 0;
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (refused < 3 && std::chrono::steady_clock::now() < deadline) {
    for (auto& client : clients) {
      if (!client.has_answer()) continue;
      EXPECT_THAT(client.answer(), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("Retry-After: 1")));
      ++refused;
    }
  }
  EXPECT_EQ(refused, 3);
  server.valve->open();
  server.elements->next(2);
}

TEST(FromHttpServer, AsksForABodyThatWaitsToBeAskedFor) {
  Running<HttpRequest> server(http_with({.path = "/in"}));
  TcpClient client(server.port), lost(server.port);
  client.send("POST /in HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 100"));
  client.send("body");
  EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 200"));
  lost.send("POST /out HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_THAT(lost.answer(), StartsWith("HTTP/1.1 404"));
}

TEST(FromHttpServer, AClientThatGoesInTheMiddleOfARequestLeavesNothing) {
  Running<HttpRequest> server(http_with());
  TcpClient polite(server.port), rude(server.port), waiting(server.port);
  polite.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
  polite.close();
  rude.send("POST / HTTP/1.1\r\nHo");
  rude.reset();
  server.valve->shut();
  waiting.send(request("POST", "/", "sent and gone"));
  TcpClient next(server.port);
  next.send(request("POST", "/", "next"));
  waiting.reset();
  server.valve->open();
  EXPECT_THAT(next.answer(), StartsWith("HTTP/1.1 200"));
  while (server.elements->size() > 0) {
    EXPECT_THAT(server.elements->next().body, ::testing::AnyOf("sent and gone", "next"));
  }
  EXPECT_EQ(server.errors->size(), 0u);
}

TEST(FromHttpServer, AClientThatGoesInTheMiddleOfAChunkedBodyGivesItsPlaceBack) {
  Running<HttpRequest> server(http_with({.max_connections = 1}));
  TcpClient polite(server.port), rude(server.port), next(server.port);
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  polite.send(head + "5\r\nwhole\r\n");
  polite.close();
  rude.send(head + "20\r\nhalf");
  rude.reset();
  next.send(request("POST", "/", "next"));
  EXPECT_THAT(next.answer(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(server.elements->next().body, "next");
  EXPECT_EQ(server.elements->size(), 0u);
  EXPECT_EQ(server.errors->size(), 0u);
}

TEST(FromHttpServer, SaysWhichAddressItCannotHaveAndHasItWhenItIsFree) {
  expect_that_a_taken_port_is_told<HttpRequest>("from_http_server", [](std::uint16_t port, auto on_listen) {
    return from_http_server(port, {.on_listen = on_listen});
  });
}

TEST(FromHttpServer, AnswersWhatIsNoHttp) {
  Running<HttpRequest> server(http_with());
  TcpClient garbage(server.port), long_headers(server.port);
  garbage.send("\x16\x03\x01 what?\r\n\r\n");
  EXPECT_THAT(garbage.answer(), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(garbage.sees_the_end());
  long_headers.send("POST / HTTP/1.1\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n");
  EXPECT_THAT(long_headers.answer(), StartsWith("HTTP/1.1 431"));
}

TEST(FromHttpServer, ClosesConnectionsThatSayNothing) {
  Running<HttpRequest> server(http_with({.read_timeout = 50ms}));
  TcpClient silent(server.port), slow(server.port);
  slow.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
  EXPECT_TRUE(silent.sees_the_end());
  EXPECT_TRUE(slow.sees_the_end());
}

TEST(FromHttpServer, StopClosesAndStartListensThereAgain) {
  Running<HttpRequest> server(http_with());
  const auto port = server.port;
  server.valve->shut();
  TcpClient client(port), waiting(port);
  client.send(request("POST", "/", "1"));
  waiting.send(request("POST", "/", "2"));
  server.source.stop();
  EXPECT_TRUE(client.sees_the_end());
  EXPECT_TRUE(waiting.sees_the_end());
  server.valve->open();
  server.start();
  EXPECT_EQ(server.port, port);
  TcpClient again(port);
  again.send(request("POST", "/", "3"));
  EXPECT_THAT(again.answer(), StartsWith("HTTP/1.1 200"));
}

TEST(FromHttpServer, DestroyedItClosesItsConnections) {
  Running<HttpRequest> server(http_with());
  server.valve->shut();
  TcpClient client(server.port), idle(server.port);
  client.send(request("POST", "/", "1"));
  server.source.destroy();
  EXPECT_TRUE(client.sees_the_end());
  EXPECT_TRUE(idle.sees_the_end());
  server.valve->open();
}

TEST(FromHttpServer, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(from_http_server(0, {.path = "in"}), Error);
  EXPECT_THROW(from_http_server(0, {.max_body_bytes = 0}), Error);
  EXPECT_THROW(from_http_server(0, {.max_waiting = 0}), Error);
  EXPECT_THROW(from_http_server(0, {.read_timeout = 0s}), Error);
}

}  // namespace
}  // namespace penstock
