#include "scheduler/dashboard/server.hpp"

#include <poll.h>

#include <algorithm>
#include <asio.hpp>
#include <atomic>
#include <exception>
#include <restinio/all.hpp>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "scheduler/dashboard/router.hpp"
#include "scheduler/dashboard/traffic.hpp"
#include "scheduler/log.hpp"

#ifdef ASIO_NO_DEPRECATED
// Defining it for the rest of the program alone would not do: it changes inline functions of Asio
// that allocate handlers, and the linker keeps only one of each.
#error "RESTinio 0.6 needs names that ASIO_NO_DEPRECATED takes out of Asio"
#endif

namespace penstock::scheduler {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint16_t kDefaultPort = 8787;
constexpr std::uint16_t kPortsToTry = 101;
constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxFieldName = 128;
constexpr std::size_t kMaxFieldValue = 8192;
constexpr std::size_t kMaxFields = 64;
// Nothing here reads a body. A small one is skipped, so that who posts is told it is not allowed.
constexpr std::uint64_t kMaxBody = 1024;
// RESTinio gives a connection up whose peer sends more than this before it reads an answer.
constexpr std::size_t kMaxPipelined = 8;
constexpr auto kWatchPeriod = std::chrono::seconds(1);

// RESTinio reports each connection it gives up as an error and the rest below that. But for a port
// that cannot be had, which is told to the caller instead.
class DropLogger {
 public:
  DropLogger(Traffic* traffic, const bool* is_opening)
      : traffic_(traffic), is_opening_(is_opening) {}

  template <typename Builder>
  void trace(Builder&&) const noexcept {}
  template <typename Builder>
  void info(Builder&&) const noexcept {}
  template <typename Builder>
  void warn(Builder&&) const noexcept {}
  template <typename Builder>
  void error(Builder&& builder) {
    if (!*is_opening_) traffic_->dropped(builder(), SteadyClock::now());
  }

 private:
  Traffic* traffic_;
  const bool* is_opening_;
};

// RESTinio's own limit on connections counts one too many for each peer that hangs up between
// accept() and getpeername(), and ends up accepting nobody. Ours counts what really is open.
class Gate {
 public:
  explicit Gate(Traffic* traffic) : traffic_(traffic) {}

  restinio::ip_blocker::inspection_result_t inspect(
      const restinio::ip_blocker::incoming_info_t&) noexcept {
    return traffic_->admit(SteadyClock::now()) ? restinio::ip_blocker::allow()
                                               : restinio::ip_blocker::deny();
  }

 private:
  Traffic* traffic_;
};

class Listener {
 public:
  explicit Listener(Traffic* traffic) : traffic_(traffic) {}

  void state_changed(const restinio::connection_state::notice_t& notice) noexcept {
    using restinio::connection_state::accepted_t;
    using restinio::connection_state::closed_t;
    if (restinio::holds_alternative<accepted_t>(notice.cause())) {
      traffic_->opened(notice.connection_id(), SteadyClock::now());
    } else if (restinio::holds_alternative<closed_t>(notice.cause())) {
      traffic_->closed(notice.connection_id(), SteadyClock::now());
    }
  }

 private:
  Traffic* traffic_;
};

struct Traits : restinio::single_thread_traits_t<restinio::asio_timer_manager_t, DropLogger> {
  using ip_blocker_t = Gate;
  using connection_state_listener_t = Listener;
};
using HttpServer = restinio::http_server_t<Traits>;

restinio::request_handling_status_t send(const restinio::request_handle_t& request,
                                         HttpResponse response) {
  using restinio::http_connection_header_t;
  const auto& header = request->header();
  auto builder = request->create_response<restinio::user_controlled_output_t>(
      {restinio::http_status_code_t(static_cast<std::uint16_t>(response.status)),
       std::move(response.reason)});
  for (auto& [name, value] : response.fields) builder.append_header(name, std::move(value));
  builder.set_content_length(response.body.size());
  // After a refusal nothing more is read from the peer; a peer that asked for another protocol gets
  // its answer in HTTP and is not read from again either.
  if (response.status >= 400 || header.connection() == http_connection_header_t::upgrade) {
    builder.connection_close();
  }
  if (header.method() != restinio::http_method_head()) builder.set_body(std::move(response.body));
  return builder.done();
}

absl::Status bind_error(const std::error_code& error, const DashboardOptions& options,
                        std::uint16_t port) {
  const std::string place = fmt::format("{} port {}", options.address, port);
  if (error == asio::error::address_in_use) {
    return absl::AlreadyExistsError(
        fmt::format("port {} is taken by another program; choose another with --dashboard-port or "
                    "stop that program",
                    port));
  }
  const std::string text =
      fmt::format("the dashboard cannot listen on {}: {}", place, error.message());
  if (error == asio::error::access_denied) return absl::PermissionDeniedError(text);
  return absl::UnavailableError(text);
}

}  // namespace

// Lives on the HTTP thread, but for construction, open() and destruction.
class Dashboard::Server {
 public:
  Server(DashboardOptions options, asio::ip::address address, std::function<Snapshot()> snapshot)
      : options_(std::move(options)),
        address_(std::move(address)),
        traffic_(options_.max_connections, options_.read_timeout),
        router_(
            std::move(snapshot), [this] { return traffic_.counters(); }, options_.reuse_snapshot),
        watch_timer_(context_) {}

  ~Server() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status open() {
    const std::uint16_t first = options_.port.value_or(kDefaultPort);
    absl::Status status = listen(first);
    if (!options_.port) {
      for (std::uint16_t port = first + 1; absl::IsAlreadyExists(status); ++port) {
        if (port == first + kPortsToTry) return status;
        status = listen(port);
      }
    }
    if (!status.ok()) return status;
    if (!options_.port && port_ != first) {
      log().info("dashboard: port {} is taken by another program, using {}", first, port());
    }
    watch();
    thread_ = std::thread([this] { context_.run(); });
    return absl::OkStatus();
  }

  std::uint16_t port() const { return port_; }
  const asio::ip::address& address() const { return address_; }
  HttpCounters counters() const { return traffic_.counters(); }

 private:
  absl::Status listen(std::uint16_t port) {
    absl::Status status;
    is_opening_ = true;
    try {
      http_ = make_http(port);
      http_->open_sync();
    } catch (const std::system_error& error) {
      http_.reset();
      status = bind_error(error.code(), options_, port);
    }
    is_opening_ = false;
    return status;
  }

  std::unique_ptr<HttpServer> make_http(std::uint16_t port) {
    restinio::server_settings_t<Traits> settings;
    const auto check_period = std::min<SteadyClock::duration>(
        std::chrono::seconds(1), std::min(options_.read_timeout, options_.write_timeout) / 4);
    settings.port(port)
        .address(address_)
        .protocol(address_.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4())
        .timer_manager(check_period)
        .logger(&traffic_, &is_opening_)
        .ip_blocker(std::make_shared<Gate>(&traffic_))
        .connection_state_listener(std::make_shared<Listener>(&traffic_))
        .read_next_http_message_timelimit(options_.read_timeout)
        .write_http_response_timelimit(options_.write_timeout)
        .max_pipelined_requests(kMaxPipelined)
        .incoming_http_msg_limits(restinio::incoming_http_msg_limits_t{}
                                      .max_url_size(kMaxUrl)
                                      .max_field_name_size(kMaxFieldName)
                                      .max_field_value_size(kMaxFieldValue)
                                      .max_field_count(kMaxFields)
                                      .max_body_size(kMaxBody))
        .acceptor_post_bind_hook([this](asio::ip::tcp::acceptor& acceptor) {
          port_ = acceptor.local_endpoint().port();
          listening_ = acceptor.native_handle();
        })
        .request_handler(
            [this](const restinio::request_handle_t& request) { return handle(request); });
    return std::make_unique<HttpServer>(restinio::external_io_context(context_),
                                        std::move(settings));
  }

  restinio::request_handling_status_t handle(const restinio::request_handle_t& request) {
    const auto& header = request->header();
    const std::string method = header.method().c_str();
    const std::string& target = header.request_target();
    const auto tag = header.opt_value_of(restinio::http_field::if_none_match);
    HttpResponse response;
    try {
      response = router_.respond(
          {method, target, tag ? std::string_view(tag->data(), tag->size()) : std::string_view()});
    } catch (const std::exception& error) {
      log().error("dashboard: {} failed: {}", target, error.what());
      response = {500, "Internal Server Error", {{"Content-Type", "text/plain"}}, "failed\n"};
    }
    traffic_.answered(request->connection_id(), response.status);
    return send(request, std::move(response));
  }

  void watch() {
    watch_timer_.expires_after(kWatchPeriod);
    watch_timer_.async_wait([this](const std::error_code& error) {
      if (error) return;
      check_listening();
      watch();
    });
  }

  // RESTinio never accepts again after an accept() that failed, as it does while the process has no
  // file descriptor left. Then connections pile up in the backlog, which shows as readability.
  void check_listening() {
    if (http_ != nullptr) {
      pollfd listening = {listening_, POLLIN, 0};
      const bool is_waiting = ::poll(&listening, 1, 0) > 0;
      const bool was_waiting = std::exchange(connections_wait_, is_waiting);
      if (!is_waiting || !was_waiting) return;
      http_.reset();
    }
    connections_wait_ = false;
    const absl::Status status = listen(port_);
    if (status.ok()) {
      traffic_.reopened();
      log().warn("dashboard: listening again on port {}", port());
    } else {
      log().warn("dashboard: not listening, will retry: {}", std::string(status.message()));
    }
  }

  const DashboardOptions options_;
  const asio::ip::address address_;
  bool is_opening_ = false;
  Traffic traffic_;
  Router router_;
  // Before http_: what waits in the context refers to the settings alone, which it shares.
  asio::io_context context_{1};
  asio::steady_timer watch_timer_;
  std::unique_ptr<HttpServer> http_;
  std::atomic<std::uint16_t> port_ = 0;
  int listening_ = -1;
  bool connections_wait_ = false;
  std::thread thread_;
};

absl::StatusOr<std::unique_ptr<Dashboard>> Dashboard::start(DashboardOptions options,
                                                            std::function<Snapshot()> snapshot) {
  std::error_code error;
  const asio::ip::address address = asio::ip::make_address(options.address, error);
  if (error) {
    return absl::InvalidArgumentError(
        fmt::format("dashboard address \"{}\" is not a numeric IP address", options.address));
  }
  auto server = std::make_unique<Server>(std::move(options), address, std::move(snapshot));
  const absl::Status status = server->open();
  if (!status.ok()) return status;
  return std::unique_ptr<Dashboard>(new Dashboard(std::move(server)));
}

Dashboard::Dashboard(std::unique_ptr<Server> server) : server_(std::move(server)) {}

Dashboard::~Dashboard() = default;

std::uint16_t Dashboard::port() const { return server_->port(); }

std::string Dashboard::url() const {
  asio::ip::address address = server_->address();
  if (address.is_unspecified()) {
    address = address.is_v6() ? asio::ip::address(asio::ip::address_v6::loopback())
                              : asio::ip::address(asio::ip::address_v4::loopback());
  }
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return fmt::format("http://{}:{}/status", host, port());
}

HttpCounters Dashboard::counters() const { return server_->counters(); }

}  // namespace penstock::scheduler
