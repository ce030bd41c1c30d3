#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "scheduler/dashboard/server.hpp"
#include "tests/scheduler/dashboard_snapshot.hpp"

namespace penstock::scheduler {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A TCP connection to the dashboard. Waits at most ten seconds for anything.
class Peer {
 public:
  explicit Peer(std::uint16_t port) : Peer() { connect(port); }
  Peer() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience = {10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }
  ~Peer() { ::close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void connect(std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    ASSERT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }

  // The server may hang up in the middle of it.
  void send(const std::string& text) { (void)!::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }

  // All until the server closes; a reset ends it too.
  std::string read_to_end() {
    std::string out;
    char buffer[4096];
    ssize_t count = 0;
    while ((count = ::recv(fd_, buffer, sizeof(buffer), 0)) > 0) out.append(buffer, count);
    EXPECT_TRUE(count == 0 || errno == ECONNRESET) << "the server did not hang up";
    return out;
  }

 private:
  const int fd_;
};

// A listening socket that belongs to "another program".
class TakenPort {
 public:
  explicit TakenPort(std::uint16_t port = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = loopback(port);
    socklen_t size = sizeof(address);
    is_mine_ = ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
               ::listen(fd_, 1) == 0;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~TakenPort() { ::close(fd_); }

  std::uint16_t port() const { return port_; }
  bool is_mine() const { return is_mine_; }

 private:
  const int fd_;
  bool is_mine_ = false;
  std::uint16_t port_ = 0;
};

// The descriptor with which this process listens on the port.
int listening_socket(std::uint16_t port) {
  for (int fd = 0; fd < 1024; ++fd) {
    int is_listening = 0;
    socklen_t size = sizeof(is_listening);
    ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size);
    sockaddr_in address{};
    size = sizeof(address);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    if (is_listening != 0 && ntohs(address.sin_port) == port) return fd;
  }
  return -1;
}

class DashboardServer : public testing::Test {
 protected:
  void start(DashboardOptions options = any_port()) {
    auto started = Dashboard::start(std::move(options), [] { return sample_snapshot(); });
    ASSERT_TRUE(started.ok()) << started.status();
    dashboard_ = std::move(*started);
  }

  static DashboardOptions any_port() {
    DashboardOptions options;
    options.port = 0;
    options.reuse_snapshot = milliseconds(0);
    return options;
  }

  std::string exchange(const std::string& bytes) {
    Peer peer(dashboard_->port());
    peer.send(bytes);
    return peer.read_to_end();
  }

  std::string request(const std::string& method, const std::string& target,
                      const std::string& fields = "") {
    return exchange(method + " " + target +
                    " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields + "\r\n");
  }

  static std::string body(const std::string& response) {
    const std::size_t end = response.find("\r\n\r\n");
    return end == std::string::npos ? "" : response.substr(end + 4);
  }

  void expect_alive() { EXPECT_THAT(request("GET", "/health"), StartsWith("HTTP/1.1 200 ")); }

  // Waits until the counters say so; a connection's end is counted after the peer has seen it.
  template <typename Predicate>
  bool wait_for(Predicate predicate) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!predicate(dashboard_->counters())) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::unique_ptr<Dashboard> dashboard_;
};

TEST_F(DashboardServer, AnswersEveryPath) {
  start();
  EXPECT_THAT(request("GET", "/"),
              AllOf(StartsWith("HTTP/1.1 302 "), HasSubstr("Location: /status\r\n")));
  EXPECT_THAT(request("GET", "/status"), AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("text/html"),
                                               HasSubstr("<title>Penstock")));
  EXPECT_THAT(request("GET", "/metrics"), HasSubstr("penstock_workers 2\n"));
  EXPECT_THAT(request("GET", "/favicon.ico"), HasSubstr("image/svg+xml"));
  const auto health = nlohmann::json::parse(body(request("GET", "/health")));
  EXPECT_EQ(health["status"], "ok");
  const auto status = nlohmann::json::parse(body(request("GET", "/api/v1/status")));
  EXPECT_EQ(status["workers"].size(), 2u);
}

TEST_F(DashboardServer, ServesEveryFileThePageNames) {
  start();
  for (const char* file : {"status.css", "status.js", "format.js", "charts.js", "stream.js",
                           "tables.js", "icon.svg", "chart.min.js"}) {
    const std::string response = request("GET", std::string("/assets/") + file);
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 ")) << file;
    EXPECT_THAT(response, Not(HasSubstr("octet-stream"))) << file;
    EXPECT_FALSE(body(response).empty()) << file;
  }
}

TEST_F(DashboardServer, SendsNothingTwiceToWhoHasIt) {
  start();
  const std::string first = request("GET", "/assets/status.css");
  const std::size_t begin = first.find("ETag: ") + 6;
  const std::string tag = first.substr(begin, first.find("\r\n", begin) - begin);
  const std::string second = request("GET", "/assets/status.css", "If-None-Match: " + tag + "\r\n");
  EXPECT_THAT(second, StartsWith("HTTP/1.1 304 "));
  EXPECT_EQ(body(second), "");
}

TEST_F(DashboardServer, LeavesOldTimelinesOutWhenAsked) {
  start();
  const auto status = nlohmann::json::parse(body(request("GET", "/api/v1/status?since=9000.5")));
  EXPECT_EQ(status["workers"][0]["timeline"][0], nlohmann::json::array());
  EXPECT_THAT(request("GET", "/api/v1/status?since=soon"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(request("GET", "/api/v1/status?since=nan"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(DashboardServer, AnswersHeadWithTheFieldsAlone) {
  start();
  const std::string response = request("HEAD", "/status");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(response, Not(HasSubstr("Content-Length: 0\r\n")));
  EXPECT_EQ(body(response), "");
}

TEST_F(DashboardServer, RefusesOtherMethods) {
  start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const std::string response = request(method, "/status", "Content-Length: 3\r\n\r\nabc");
    EXPECT_THAT(response, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(response, HasSubstr("Allow: GET, HEAD\r\n")) << method;
  }
  EXPECT_THAT(request("CONNECT", "example.org:80"), StartsWith("HTTP/1.1 405 "));
  EXPECT_EQ(dashboard_->counters().client_errors, 6u);
}

TEST_F(DashboardServer, AnswersAnUnknownPathWithAShortPageThatDoesNotRepeatIt) {
  start();
  for (const char* path : {"/nothing<script>", "/assets/", "/assets/../server.cpp", "/status/x"}) {
    const std::string response = request("GET", path);
    EXPECT_THAT(response, StartsWith("HTTP/1.1 404 ")) << path;
    EXPECT_THAT(response, Not(HasSubstr("script>")));
    EXPECT_LT(body(response).size(), 1000u);
  }
}

TEST_F(DashboardServer, SaysToProgramsInJsonWhatIsWrong) {
  start();
  const auto says = [](const std::string& response) -> std::string {
    EXPECT_THAT(response, HasSubstr("Content-Type: application/json\r\n"));
    return nlohmann::json::parse(body(response))["error"];
  };
  EXPECT_EQ(says(request("GET", "/api/v1/unknown?x=1")), "There is nothing at this path.");
  EXPECT_EQ(says(request("GET", "/api/v1/status?since=soon")), "since must be a number of milliseconds.");
  EXPECT_EQ(says(request("POST", "/api/v1/status", "Content-Length: 0\r\n\r\n")),
            "Only GET and HEAD are understood here.");
}

TEST_F(DashboardServer, ForbidsForeignContentInEveryAnswer) {
  start();
  for (const char* path : {"/status", "/api/v1/status", "/metrics", "/none"}) {
    const std::string response = request("GET", path);
    EXPECT_THAT(response, HasSubstr("Content-Security-Policy: default-src 'none'")) << path;
    EXPECT_THAT(response, HasSubstr("X-Content-Type-Options: nosniff\r\n")) << path;
    EXPECT_THAT(response, Not(HasSubstr("https://"))) << path;
  }
}

TEST_F(DashboardServer, AnswersInHttpWhenAskedForAnotherProtocol) {
  start();
  EXPECT_THAT(exchange("GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                       "Upgrade: websocket\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(DashboardServer, AnswersSeveralRequestsOnOneConnection) {
  start();
  const std::string one = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string last = "GET /none HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string responses = exchange(one + one + last);
  EXPECT_EQ(dashboard_->counters().requests, 3u);
  EXPECT_THAT(responses, HasSubstr("HTTP/1.1 404 "));
}

TEST_F(DashboardServer, SurvivesAPeerThatSendsWithoutReading) {
  start();
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "GET /status HTTP/1.1\r\n\r\n";
  exchange(many);
  expect_alive();
}

TEST_F(DashboardServer, SaysWhoseFaultATakenPortIs) {
  const TakenPort taken;
  DashboardOptions options;
  options.port = taken.port();
  const auto started = Dashboard::start(options, [] { return Snapshot{}; });
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::string(started.status().message()),
            "port " + std::to_string(taken.port()) +
                " is taken by another program; choose another with --dashboard-port or stop that "
                "program");
}

TEST_F(DashboardServer, TakesTheNextFreePortWhenTheUsualOneIsTaken) {
  const TakenPort taken(8787);  // or it was taken before, which is as good
  DashboardOptions options;
  start(options);
  EXPECT_GT(dashboard_->port(), 8787);
  EXPECT_LE(dashboard_->port(), 8887);
  EXPECT_EQ(dashboard_->url(),
            "http://127.0.0.1:" + std::to_string(dashboard_->port()) + "/status");
  expect_alive();
}

TEST_F(DashboardServer, RefusesAnAddressThatIsNone) {
  DashboardOptions options = any_port();
  options.address = "example.org";
  EXPECT_EQ(Dashboard::start(options, [] { return Snapshot{}; }).status().code(),
            absl::StatusCode::kInvalidArgument);
  options.address = "192.0.2.1";
  EXPECT_EQ(Dashboard::start(options, [] { return Snapshot{}; }).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(DashboardServer, DropsARequestOverALimitAndLivesOn) {
  start();
  const std::string begin = "GET /health HTTP/1.1\r\nHost: x\r\n";
  std::string many_fields = begin;
  for (int i = 0; i < 100; ++i) many_fields += "F" + std::to_string(i) + ": 1\r\n";
  const std::vector<std::string> requests = {
      "GET /" + std::string(3000, 'a') + " HTTP/1.1\r\n\r\n",
      begin + "Cookie: " + std::string(1 << 20, 'b') + "\r\n\r\n",
      begin + std::string(300, 'c') + ": 1\r\n\r\n",
      many_fields + "\r\n",
      begin + "Content-Length: 1000000000\r\n\r\n",
  };
  for (const std::string& bytes : requests) EXPECT_EQ(exchange(bytes), "");
  EXPECT_TRUE(wait_for([&](auto now) { return now.dropped_requests >= requests.size(); }));
  expect_alive();
}

TEST_F(DashboardServer, DropsGarbageAndLivesOn) {
  start();
  std::string noise;
  for (int i = 0; i < 5000; ++i) noise += static_cast<char>(i * 37 % 251);
  for (const std::string& bytes :
       {noise, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
        std::string("GET\r\n\r\n"), std::string(100, '\0')}) {
    EXPECT_EQ(exchange(bytes), "");
  }
  EXPECT_TRUE(wait_for([](auto now) { return now.dropped_requests >= 4; }));
  expect_alive();
}

TEST_F(DashboardServer, DropsAPeerThatIsTooSlow) {
  DashboardOptions options = any_port();
  options.read_timeout = milliseconds(100);
  start(options);
  EXPECT_EQ(exchange("GET /health HT"), "");
  EXPECT_TRUE(wait_for([](auto now) { return now.dropped_requests == 1; }));
  expect_alive();
}

TEST_F(DashboardServer, ServesOthersWhileASlowPeerHolds) {
  start();
  Peer slow(dashboard_->port());
  slow.send("GET /health HT");
  expect_alive();
}

TEST_F(DashboardServer, RefusesConnectionsOverTheLimitAndRecoversWhenTheyEnd) {
  DashboardOptions options = any_port();
  options.max_connections = 4;
  start(options);
  {
    std::vector<std::unique_ptr<Peer>> idle;
    for (int i = 0; i < 4; ++i) idle.push_back(std::make_unique<Peer>(dashboard_->port()));
    ASSERT_TRUE(wait_for([](auto now) { return now.open_connections == 4; }));
    EXPECT_EQ(request("GET", "/health"), "");
    EXPECT_GE(dashboard_->counters().refused_connections, 1u);
  }
  ASSERT_TRUE(wait_for([](auto now) { return now.open_connections == 0; }));
  expect_alive();
}

TEST_F(DashboardServer, AnswersManyClientsAtOnce) {
  start();
  std::atomic<int> answered = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      for (int j = 0; j < 25; ++j) {
        const std::string response = request("GET", j % 2 == 0 ? "/api/v1/status" : "/metrics");
        if (response.rfind("HTTP/1.1 200 ", 0) == 0) ++answered;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 200);
}

TEST_F(DashboardServer, AnswersFiveHundredAfterAnExceptionAndLivesOn) {
  auto started = Dashboard::start(any_port(), []() -> Snapshot { throw std::runtime_error("no"); });
  ASSERT_TRUE(started.ok());
  dashboard_ = std::move(*started);
  EXPECT_THAT(request("GET", "/health"), StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(request("GET", "/status"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(dashboard_->counters().server_errors, 1u);
}

TEST_F(DashboardServer, AnswersSeveralRequestsFromOneSnapshotWhileItIsYoung) {
  std::atomic<int> taken = 0;
  DashboardOptions options = any_port();
  options.reuse_snapshot = std::chrono::hours(1);
  auto started = Dashboard::start(options, [&taken] {
    ++taken;
    return sample_snapshot();
  });
  ASSERT_TRUE(started.ok());
  dashboard_ = std::move(*started);
  for (int i = 0; i < 5; ++i) expect_alive();
  EXPECT_EQ(taken, 1);
  dashboard_.reset();
}

// Guards against RESTinio's habit not to accept again after an accept() that failed, as it does
// while a process has no file descriptor left.
TEST_F(DashboardServer, ListensAgainWhenAcceptingFailed) {
  start();
  const int listening = listening_socket(dashboard_->port());
  ASSERT_GE(listening, 0);
  ::shutdown(listening, SHUT_RDWR);
  EXPECT_TRUE(wait_for([](auto now) { return now.reopened == 1; }));
  expect_alive();
}

TEST_F(DashboardServer, StopsWhileConnectionsAreOpen) {
  start();
  Peer idle(dashboard_->port());
  Peer busy(dashboard_->port());
  busy.send("GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\nGET /met");
  ASSERT_TRUE(wait_for([](auto now) { return now.open_connections == 2; }));
  dashboard_.reset();
  EXPECT_EQ(idle.read_to_end(), "");
  busy.read_to_end();
}

}  // namespace
}  // namespace penstock::scheduler
