#include "scheduler/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <asio.hpp>
#include <future>
#include <string>
#include <vector>

namespace penstock::scheduler {
namespace {

using asio::ip::tcp;
using ::testing::HasSubstr;

const std::string kHttp2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// In place of gRPC: remembers what the connection said first, and closes it.
class FakeAcceptor final : public grpc::experimental::ExternalConnectionAcceptor {
 public:
  explicit FakeAcceptor(std::promise<std::string>& said) : said_(said) {}
  void HandleNewConnection(NewConnectionParameters* connection) override {
    std::vector<grpc::Slice> slices;
    ASSERT_TRUE(connection->read_buffer.Dump(&slices).ok());
    ::close(connection->fd);
    ASSERT_EQ(slices.size(), 1u);
    said_.set_value({reinterpret_cast<const char*>(slices[0].begin()), slices[0].size()});
  }

 private:
  std::promise<std::string>& said_;
};

class ClusterPort : public ::testing::Test {
 protected:
  void SetUp() override {
    auto listener = Listener::open("127.0.0.1", 0);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = std::move(*listener);
    listener_->start(std::make_unique<FakeAcceptor>(said_), [this] { ++dropped_; });
  }
  tcp::socket connect() {
    tcp::socket socket(context_);
    socket.connect({asio::ip::address_v4::loopback(), listener_->port()});
    return socket;
  }
  // Waits until the other end has closed.
  static void expect_closed(tcp::socket& socket) {
    std::array<char, 100> answer;
    std::error_code error;
    EXPECT_EQ(socket.read_some(asio::buffer(answer), error), 0u);
    EXPECT_TRUE(error);
  }

  asio::io_context context_;
  std::promise<std::string> said_;
  std::atomic<int> dropped_ = 0;
  std::unique_ptr<Listener> listener_;
};

TEST_F(ClusterPort, HandsOverWhoSpeaksHttp2WithItsFirstWords) {
  auto socket = connect();
  asio::write(socket, asio::buffer(kHttp2));
  EXPECT_EQ(said_.get_future().get(), kHttp2);
  EXPECT_EQ(dropped_, 0);
}

TEST_F(ClusterPort, WaitsForAGreetingThatComesInPieces) {
  auto socket = connect();
  socket.set_option(tcp::no_delay(true));
  for (const char letter : kHttp2) asio::write(socket, asio::buffer(&letter, 1));
  EXPECT_EQ(said_.get_future().get(), kHttp2);
}

TEST_F(ClusterPort, DropsAndCountsWhatIsSomethingElse) {
  for (const std::string text : {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "PRI * HTTP/9.9"}) {
    auto socket = connect();
    asio::write(socket, asio::buffer(text));
    expect_closed(socket);
  }
  EXPECT_EQ(dropped_, 3);
}

TEST_F(ClusterPort, DropsWhoHasBeenSilentForLongestWhenThereAreTooMany) {
  std::vector<tcp::socket> silent;
  for (std::size_t i = 0; i < Listener::kMaxStrangers + 1; ++i) silent.push_back(connect());
  expect_closed(silent.front());
  EXPECT_EQ(dropped_, 1);
  asio::write(silent.back(), asio::buffer(kHttp2));
  EXPECT_EQ(said_.get_future().get(), kHttp2);
}

TEST_F(ClusterPort, DoesNotMindWhoOnlyKnocks) {
  connect().close();
  auto socket = connect();
  asio::write(socket, asio::buffer(kHttp2));
  said_.get_future().wait();
  EXPECT_EQ(dropped_, 0);
}

TEST_F(ClusterPort, ClosesWhoHasSaidNothingWhenItEnds) {
  auto socket = connect();
  asio::write(socket, asio::buffer(kHttp2.substr(0, 5)));
  listener_.reset();
  expect_closed(socket);
}

TEST_F(ClusterPort, SaysWhoHasThePort) {
  const auto second = Listener::open("127.0.0.1", listener_->port());
  ASSERT_FALSE(second.ok());
  const std::string text(second.status().message());
  EXPECT_THAT(text, HasSubstr(std::to_string(listener_->port())));
  EXPECT_THAT(text, HasSubstr("Address already in use"));
  EXPECT_THAT(text, HasSubstr("--port"));
}

TEST_F(ClusterPort, SaysWhichAddressItCannotHave) {
  const auto elsewhere = Listener::open("192.0.2.1", 0);
  ASSERT_FALSE(elsewhere.ok());
  EXPECT_THAT(std::string(elsewhere.status().message()), HasSubstr("192.0.2.1"));
}

}  // namespace
}  // namespace penstock::scheduler
