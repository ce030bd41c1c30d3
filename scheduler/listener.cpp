#include "scheduler/listener.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <array>
#include <asio.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "scheduler/warnings.hpp"

namespace penstock::scheduler {
namespace {

using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

// What every HTTP/2 client says first (RFC 9113, section 3.4).
constexpr std::string_view kGreeting = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// After this long the port is tried again when accepting failed, as when no file descriptor is left.
constexpr std::chrono::milliseconds kPause{100};

// Programs that this process starts must not keep our connections open.
void keep_from_children(int descriptor) { ::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

std::string in_words(const tcp::endpoint& endpoint) {
  return fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

}  // namespace

// All but open() and close() runs on the one thread.
struct Listener::State {
  // A connection that has not been handed over.
  struct Stranger {
    explicit Stranger(tcp::socket accepted)
        : socket(std::move(accepted)), timeout(socket.get_executor()) {}
    tcp::socket socket;
    asio::steady_timer timeout;
    std::array<char, kGreeting.size()> greeting{};
    std::size_t have = 0;
    std::string from;
    std::list<std::shared_ptr<Stranger>>::iterator place;  // in strangers
  };
  using StrangerPtr = std::shared_ptr<Stranger>;

  absl::Status open(const std::string& address, std::uint16_t port) {
    std::error_code error;
    tcp::resolver resolver(context);
    const auto found = resolver.resolve(address, std::to_string(port),
                                        tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (!error && !found.empty()) {
      const tcp::endpoint endpoint = *found.begin();
      acceptor.open(endpoint.protocol(), error);
      if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
      if (!error) acceptor.bind(endpoint, error);
      if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    }
    if (!error) {
      keep_from_children(acceptor.native_handle());
      return absl::OkStatus();
    }
    return absl::UnavailableError(fmt::format(
        "cannot listen on {}:{}: {}. Choose another --port, or stop the program that has this one",
        address, port, error.message()));
  }

  void accept() {
    acceptor.async_accept([this](std::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        warnings.warn("cannot accept connections: " + error.message(), Clock::now());
        retry.expires_after(kPause);
        retry.async_wait([this](std::error_code cancelled) {
          if (!cancelled) accept();
        });
        return;
      }
      welcome(std::move(socket));
      accept();
    });
  }

  void welcome(tcp::socket socket) {
    keep_from_children(socket.native_handle());
    auto stranger = std::make_shared<Stranger>(std::move(socket));
    std::error_code error;
    const auto endpoint = stranger->socket.remote_endpoint(error);
    stranger->from = error ? "somebody" : in_words(endpoint);
    // Who has been silent for longest makes room: a flood of silent ones keeps nobody else out.
    if (strangers.size() >= kMaxStrangers) {
      drop(*strangers.front(), "too many connections say nothing");
    }
    stranger->place = strangers.insert(strangers.end(), stranger);
    stranger->timeout.expires_after(kGreetingTimeout);
    stranger->timeout.async_wait([this, stranger](std::error_code cancelled) {
      if (!cancelled && stranger->socket.is_open()) drop(*stranger, "it says nothing");
    });
    read(std::move(stranger));
  }

  void read(StrangerPtr stranger) {
    const auto rest = asio::buffer(stranger->greeting) + stranger->have;
    auto& socket = stranger->socket;
    socket.async_read_some(
        rest, [this, stranger = std::move(stranger)](std::error_code error, std::size_t bytes) {
          look(stranger, error, bytes);
        });
  }

  void look(const StrangerPtr& stranger, std::error_code error, std::size_t bytes) {
    if (!stranger->socket.is_open()) return;  // dropped already
    stranger->have += bytes;
    const std::string_view said(stranger->greeting.data(), stranger->have);
    const bool polite = said == kGreeting.substr(0, said.size());
    if (!error && polite && said.size() < kGreeting.size()) return read(stranger);
    if (!polite) return drop(*stranger, "it does not speak HTTP/2");
    // Who only knocked, as a probe of the port does, has done nothing wrong.
    if (error) return forget(*stranger);
    hand_over(*stranger);
  }

  void hand_over(Stranger& stranger) {
    std::error_code error;
    stranger.socket.set_option(tcp::no_delay(true), error);
    grpc::Slice greeting(stranger.greeting.data(), stranger.greeting.size());
    const int descriptor = stranger.socket.release(error);  // stays non-blocking
    if (error) return drop(stranger, error.message());
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.listener_fd = acceptor.native_handle();
    connection.fd = descriptor;
    connection.read_buffer = grpc::ByteBuffer(&greeting, 1);
    forget(stranger);
    grpc_acceptor->HandleNewConnection(&connection);
  }

  void drop(Stranger& stranger, std::string_view why) {
    warnings.warn(fmt::format("dropped a connection from {}: {}", stranger.from, why), Clock::now());
    dropped();
    forget(stranger);
  }

  // Closes its socket, unless that was handed over. The handlers that are under way keep it alive.
  void forget(Stranger& stranger) {
    std::error_code ignored;
    stranger.timeout.cancel();
    stranger.socket.close(ignored);
    strangers.erase(stranger.place);
  }

  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer retry{context};
  Acceptor grpc_acceptor;
  std::function<void()> dropped;
  std::list<StrangerPtr> strangers;  // the longest here first
  Warnings warnings{"cluster port"};
  std::thread thread;
};

absl::StatusOr<std::unique_ptr<Listener>> Listener::open(const std::string& address,
                                                         std::uint16_t port) {
  auto state = std::make_unique<State>();
  if (auto status = state->open(address, port); !status.ok()) return status;
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::Listener(std::unique_ptr<State> state) : state_(std::move(state)) {}

Listener::~Listener() {
  state_->context.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

void Listener::start(Acceptor acceptor, std::function<void()> dropped) {
  state_->grpc_acceptor = std::move(acceptor);
  state_->dropped = std::move(dropped);
  state_->accept();
  state_->thread = std::thread([state = state_.get()] { state->context.run(); });
}

std::uint16_t Listener::port() const { return state_->acceptor.local_endpoint().port(); }

}  // namespace penstock::scheduler
