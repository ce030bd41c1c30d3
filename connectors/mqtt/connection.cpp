#include "connectors/mqtt/connection.hpp"

#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "penstock/error.hpp"

namespace penstock::mqtt {
namespace {

constexpr int kReadsInARow = 64;  // then whatever else the loop has to do

std::string text_of(int error) {
  return error == MOSQ_ERR_ERRNO ? std::strerror(errno) : mosquitto_strerror(error);
}

std::string lower_without_stop(std::string text) {
  if (!text.empty() && text.back() == '.') text.pop_back();
  constexpr std::string_view kPrefix = "Connection Refused: ";
  if (text.starts_with(kPrefix)) text.erase(0, kPrefix.size());
  return text;
}

}  // namespace

void check_qos(const char* call, int qos) {
  if (qos < 0 || qos > 2) throw Error(std::string(call) + ": qos is 0, 1 or 2");
}

void check(const Settings& settings) {
  using std::chrono::seconds;
  const std::string call = settings.call;
  if (settings.host.empty()) throw Error(call + ": host is empty");
  if (settings.port == 0) throw Error(call + ": port is 0");
  if (settings.keepalive < seconds(5) || settings.keepalive > seconds(65'535)) {
    throw Error(call + ": keepalive must be between 5 s and 65,535 s");
  }
  if (settings.connect_timeout <= Duration::zero()) {
    throw Error(call + ": connect_timeout must be positive");
  }
  if (settings.username.empty() && !settings.password.empty()) {
    throw Error(call + ": a password needs a username");
  }
  detail::check_reconnect(settings.call, settings.reconnect);
}

void check_publishable(const char* call, const std::string& topic, std::size_t bytes) {
  if (topic.empty()) throw Error(std::string(call) + ": the message has no topic");
  if (mosquitto_pub_topic_check2(topic.data(), topic.size()) != MOSQ_ERR_SUCCESS ||
      mosquitto_validate_utf8(topic.data(), static_cast<int>(std::min<std::size_t>(topic.size(), 65'536))) !=
          MOSQ_ERR_SUCCESS) {
    throw Error(std::string(call) + ": '" + topic +
                "' cannot be published to: a topic has no wildcards, up to 65,535 bytes, and is UTF-8");
  }
  if (bytes > MQTT_MAX_PAYLOAD) throw Error(std::string(call) + ": a payload has up to 256 MB");
}

// Inside them nothing may be asked of libmosquitto that writes: settle() does what they note.
struct Connection::Callbacks {
  static Connection& self(void* object) { return *static_cast<Connection*>(object); }

  static void on_connect(mosquitto*, void* object, int answer, int flags) {
    self(object).answer_ = answer;
    self(object).session_present_ = (flags & 1) != 0;
  }
  static void on_subscribe(mosquitto*, void* object, int, int count, const int* granted) {
    if (std::any_of(granted, granted + count, [](int qos) { return qos > 2; })) {
      self(object).refusal_ = "the broker does not let us subscribe";
    }
  }
  static void on_message(mosquitto*, void* object, const mosquitto_message* message) {
    self(object).received_.push_back(
        {message->topic,
         std::string(static_cast<const char*>(message->payload),
                     static_cast<std::size_t>(message->payload != nullptr ? message->payloadlen : 0)),
         message->qos, message->retain});
  }
  static void on_publish(mosquitto*, void* object, int number) {
    self(object).published_.push_back(number);
  }
};

Connection::Connection(Settings settings)
    : settings_(std::move(settings)), client_(make_client()), backoff_(settings_.reconnect) {}

Connection::~Connection() = default;

void Connection::Destroy::operator()(mosquitto* client) const { mosquitto_destroy(client); }

std::unique_ptr<mosquitto, Connection::Destroy> Connection::make_client() {
  static std::once_flag once;
  std::call_once(once, mosquitto_lib_init);
  const bool persistent = !settings_.client_id.empty();
  std::unique_ptr<mosquitto, Destroy> client(
      mosquitto_new(persistent ? settings_.client_id.c_str() : nullptr, !persistent, this));
  if (!client) throw Error(std::string(settings_.call) + ": bad client_id, or no memory");
  mosquitto_connect_with_flags_callback_set(client.get(), Callbacks::on_connect);
  mosquitto_subscribe_callback_set(client.get(), Callbacks::on_subscribe);
  mosquitto_message_callback_set(client.get(), Callbacks::on_message);
  mosquitto_publish_callback_set(client.get(), Callbacks::on_publish);
  mosquitto_int_option(client.get(), MOSQ_OPT_SEND_MAXIMUM, settings_.unacknowledged);
  mosquitto_int_option(client.get(), MOSQ_OPT_TCP_NODELAY, 1);
  if (!settings_.username.empty()) {
    mosquitto_username_pw_set(client.get(), settings_.username.c_str(), settings_.password.c_str());
  }
  return client;
}

void Connection::forget_published() {
  published_.clear();
  client_ = make_client();
}

std::string Connection::where() const { return settings_.host + ":" + std::to_string(settings_.port); }

template <class F>
auto Connection::guarded(F function) {
  return [weak = weak_from_this(), attempt = attempt_, function = std::move(function)](auto&&... results) {
    const auto self = weak.lock();
    if (self && self->attempt_ == attempt) function(*self, std::forward<decltype(results)>(results)...);
  };
}

void Connection::call_later(Loop::Timer& timer, Duration time, void (Connection::*call)()) {
  timer = loop_->call_at(loop_->now() + time, guarded([call](Connection& self) { (self.*call)(); }));
}

void Connection::open(std::shared_ptr<Loop> loop) {
  if (open_) return;
  open_ = true;
  loop_ = std::move(loop);
  told_.clear();
  paused_ = false;
  attempt();
}

void Connection::close() {
  if (!open_) return;
  open_ = false;
  if (state_ == State::kUp) mosquitto_disconnect(client_.get());
  hang_up();
}

// The end of this attempt; what comes late does not count.
void Connection::hang_up() {
  ++attempt_;
  state_ = State::kIdle;
  loop_->cancel(timer_);
  loop_->cancel(ticker_);
  resolver_.reset();
  reading_ = writing_ = false;
  answer_.reset();
  refusal_.clear();
  if (!socket_) return;
  ::shutdown(socket_->native_handle(), SHUT_RDWR);  // libmosquitto may have its own descriptor open still
  socket_.reset();
}

void Connection::attempt() {
  addresses_.clear();
  last_failure_.clear();
  state_ = State::kResolving;
  call_later(timer_, settings_.connect_timeout, &Connection::timed_out);
  std::error_code not_numeric;
  asio::ip::make_address(settings_.host, not_numeric);
  if (!not_numeric) {
    addresses_.push_back(settings_.host);
    return try_next_address();
  }
  resolver_.emplace(loop_->executor());
  resolver_->async_resolve(
      settings_.host, std::to_string(settings_.port),
      guarded([](Connection& self, const std::error_code& error,
                 const asio::ip::tcp::resolver::results_type& results) {
        if (error) return self.failed("its name cannot be resolved: " + error.message());
        for (const auto& entry : results) {
          self.addresses_.push_back(entry.endpoint().address().to_string());
        }
        std::reverse(self.addresses_.begin(), self.addresses_.end());
        self.try_next_address();
      }));
}

void Connection::try_next_address() {
  if (addresses_.empty()) return failed(last_failure_);
  const std::string address = std::move(addresses_.back());
  addresses_.pop_back();
  state_ = State::kConnecting;
  const auto keepalive = std::chrono::duration_cast<std::chrono::seconds>(settings_.keepalive).count();
  const int error =
      mosquitto_connect_async(client_.get(), address.c_str(), settings_.port, static_cast<int>(keepalive));
  if (error > MOSQ_ERR_SUCCESS) {
    last_failure_ = text_of(error);
    return try_next_address();
  }
  const int copy = ::fcntl(mosquitto_socket(client_.get()), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return failed(std::strerror(errno));
  socket_.emplace(loop_->executor(), copy);
  watch();
}

void Connection::timed_out() { failed("no answer in time"); }

void Connection::failed(const std::string& why) {
  const bool was_up = state_ == State::kUp;
  const bool more = state_ == State::kConnecting && !addresses_.empty();
  if (more) {
    last_failure_ = why;
    ++attempt_;
    loop_->cancel(timer_);
    reading_ = writing_ = false;
    socket_.reset();
    call_later(timer_, settings_.connect_timeout, &Connection::timed_out);
    return try_next_address();
  }
  hang_up();
  const std::string text =
      was_up ? "lost the connection to " + where() + ": " + why : "no connection to " + where() + ": " + why;
  if (was_up) told_.clear();
  const bool tell = told_.empty();
  if (tell) told_ = text;
  call_later(timer_, backoff_.next(), &Connection::attempt);
  if (was_up) {
    if (const auto events = events_.lock()) events->lost();
  }
  if (tell) detail::notice(settings_.reconnect, settings_.call, text + "; trying again");
}

void Connection::refuse(const std::string& why) {
  hang_up();
  open_ = false;
  if (const auto events = events_.lock()) {
    events->refused(std::string(settings_.call) + ": " + where() + " refused: " + why);
  }
}

// Waits for whatever libmosquitto wants to do next.
void Connection::watch() {
  wait_readable();
  if (mosquitto_want_write(client_.get())) wait_writable();
}

void Connection::wait_readable() {
  if (reading_ || !may_read() || !socket_) return;
  reading_ = true;
  socket_->async_wait(asio::posix::stream_descriptor::wait_read,
                      guarded([](Connection& self, const std::error_code& error) {
                        self.reading_ = false;
                        if (!error) self.read();
                      }));
}

void Connection::wait_writable() {
  if (writing_ || !socket_) return;
  writing_ = true;
  socket_->async_wait(asio::posix::stream_descriptor::wait_write,
                      guarded([](Connection& self, const std::error_code& error) {
                        self.writing_ = false;
                        if (!error) self.write();
                      }));
}

bool Connection::more_to_read() {
  char byte = 0;
  return ::recv(socket_->native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

void Connection::read() {
  for (int i = 0; i < kReadsInARow && may_read(); ++i) {
    check_from_ = TimePoint::min();
    const auto current = attempt_;
    if (!settle(mosquitto_loop_read(client_.get(), 1)) || current != attempt_) return;
    if (!more_to_read()) break;
  }
  watch();
}

void Connection::write() {
  if (settle(mosquitto_loop_write(client_.get(), 1))) watch();
}

bool Connection::settle(int error) {
  const auto events = events_.lock();  // they may go meanwhile, on another thread
  if (!events) return hang_up(), false;
  const auto current = attempt_;
  if (const auto answer = std::exchange(answer_, std::nullopt)) {
    constexpr int kUnavailable = 3;  // it may be there again later
    const std::string text = lower_without_stop(mosquitto_connack_string(*answer));
    if (*answer != 0 && *answer != kUnavailable) return refuse(text), false;
    if (*answer == kUnavailable) return failed(text), false;
    state_ = State::kUp;
    loop_->cancel(timer_);
    backoff_.connected();
    if (!std::exchange(told_, "").empty()) {
      detail::notice(settings_.reconnect, settings_.call, "connected to " + where());
    }
    check_from_ = TimePoint::min();
    last_ping_ = loop_->now();
    call_later(ticker_, settings_.keepalive / 5, &Connection::tick);
    events->connected(session_present_);
    if (attempt_ != current) return false;
  }
  for (auto& message : std::exchange(received_, {})) {
    events->received(std::move(message));
  }
  for (const int number : std::exchange(published_, {})) {
    events->published(number);
  }
  if (attempt_ != current) return false;
  if (!refusal_.empty()) return refuse(std::exchange(refusal_, "")), false;
  if (error != MOSQ_ERR_SUCCESS || mosquitto_socket(client_.get()) == -1) {
    return failed(error == MOSQ_ERR_SUCCESS ? "it was closed" : text_of(error)), false;
  }
  return true;
}

void Connection::subscribe(const std::vector<std::string>& filters, int qos) {
  std::vector<char*> raw;
  for (const auto& filter : filters) raw.push_back(const_cast<char*>(filter.c_str()));
  mosquitto_subscribe_multiple(client_.get(), nullptr, static_cast<int>(raw.size()), raw.data(), qos, 0,
                               nullptr);
  watch();
}

int Connection::publish(const std::string& topic, std::string_view payload, int qos, bool retained) {
  int number = 0;
  const int error = mosquitto_publish(client_.get(), &number, topic.c_str(), static_cast<int>(payload.size()),
                                      payload.data(), qos, retained);
  switch (error) {
    case MOSQ_ERR_SUCCESS:
    case MOSQ_ERR_NO_CONN:  // these: it is kept, and reading will find out
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_ERRNO:
      break;
    default:
      throw Error(std::string(settings_.call) + ": " + mosquitto_strerror(error));
  }
  // At QoS 0 it may be written already. Told later: the caller does not know the number yet.
  if (!published_.empty()) loop_->post(guarded([](Connection& self) { self.settle(MOSQ_ERR_SUCCESS); }));
  watch();
  return number;
}

void Connection::pause() { paused_ = true; }

void Connection::resume() {
  if (!paused_) return;
  paused_ = false;
  check_from_ = loop_->now() + settings_.keepalive;  // the answers to its pings have yet to be read
  wait_readable();
}

void Connection::tick() {
  call_later(ticker_, settings_.keepalive / 5, &Connection::tick);
  if (paused_) return ping_by_hand();
  if (loop_->now() < check_from_) return;
  if (settle(mosquitto_loop_misc(client_.get()))) watch();
}

// libmosquitto would take a connection that is not read for dead, so it is not asked.
void Connection::ping_by_hand() {
  constexpr unsigned char kPing[] = {0xC0, 0x00};
  if (mosquitto_want_write(client_.get())) return wait_writable();  // what waits there is a sign of life too
  if (loop_->now() - last_ping_ < settings_.keepalive / 2) return;
  last_ping_ = loop_->now();
  const auto sent = ::send(socket_->native_handle(), kPing, sizeof kPing, MSG_NOSIGNAL | MSG_DONTWAIT);
  const bool nothing_sent = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (sent != sizeof kPing && !nothing_sent) failed(sent < 0 ? std::strerror(errno) : "a ping was cut");
}

}  // namespace penstock::mqtt
