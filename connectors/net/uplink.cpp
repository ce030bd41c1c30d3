#include "connectors/net/uplink.hpp"

#include "connectors/net/loop_executor.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <algorithm>
#include <chrono>
#include <utility>

#include "penstock/error.hpp"

namespace penstock::net {
namespace {

using boost::asio::awaitable;
using boost::system::error_code;

constexpr auto kConnectTimeout = std::chrono::seconds{5};
constexpr auto kGoodbyeTimeout = std::chrono::seconds{5};
constexpr auto kNever = boost::asio::steady_timer::time_point::max();

awaitable<void> wait(boost::asio::steady_timer& timer) {
  error_code ignored;
  co_await timer.async_wait(into(ignored));
}

}  // namespace

Uplink::Uplink(const boost::asio::any_io_executor& executor, std::string subject, ReconnectOptions reconnect)
    : executor_(executor),
      subject_(std::move(subject)),
      reconnect_(std::move(reconnect)),
      backoff_(reconnect_),
      wake_(executor, kNever),
      timer_(executor) {}

void Uplink::start() {
  boost::asio::post(executor_, [self = shared_from_this()] { self->run_if_needed(); });
}

void Uplink::send(const std::string& text, Sent sent) {
  outgoing_.push_back({&text, std::move(sent)});
  wake_.cancel();
  run_if_needed();
}

void Uplink::finish() {
  finished_ = true;
  wake_.cancel();
  if (outgoing_.empty() && outage_) timer_.cancel();
}

void Uplink::abandon() {
  boost::asio::post(executor_, [self = shared_from_this()] {
    self->abandoned_ = true;
    self->wake_.cancel();
    if (!self->leaving_) self->timer_.cancel();
    if (self->writing_) self->cut();  // it might wait for ever
  });
}

void Uplink::confirm(std::uint64_t number) {
  while (written_ > 0 && first_ < number) {
    auto sent = std::move(outgoing_.front().sent);
    outgoing_.pop_front();
    --written_;
    ++first_;
    sent(nullptr);
    backoff_.connected();  // not before: who accepts and closes at once is no better than who is away
  }
  if (is_done()) wake_.cancel();
}

void Uplink::run_if_needed() {
  if (running_ || is_done()) return;
  running_ = true;
  boost::asio::co_spawn(executor_, run(shared_from_this()), boost::asio::detached);
}

awaitable<void> Uplink::run(std::shared_ptr<Uplink> self) {
  while (!self->is_done()) {
    std::string why;
    try {
      co_await self->connect_in_time();
      co_await self->write_until_done();
    } catch (const std::exception& error) {
      why = error.what();
    }
    self->cut();
    while (self->reading_) co_await wait(self->wake_);
    self->leaving_ = false;
    self->written_ = 0;
    if (self->is_done()) break;
    self->lost(why);
    co_await self->pause();
  }
  self->running_ = false;
  if (self->abandoned_) std::exchange(self->outgoing_, {}).clear();
}

awaitable<void> Uplink::connect_in_time() {
  timer_.expires_after(kConnectTimeout);
  timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (self && (!error || self->abandoned_)) self->cut();
  });
  std::exception_ptr error;
  try {
    co_await connect();
  } catch (...) {
    error = std::current_exception();
  }
  if (timer_.cancel() == 0) throw Error("no answer in time");  // it has struck, or will
  if (error) std::rethrow_exception(error);
  lost_ = nullptr;
  if (std::exchange(outage_, false)) detail::notice(reconnect_, subject_, "connected again");
}

awaitable<void> Uplink::read_until_lost(std::shared_ptr<Uplink> self) {
  try {
    co_await self->read();
  } catch (...) {
    self->lost_ = std::current_exception();
  }
  self->reading_ = false;
  self->wake_.cancel();
}

awaitable<void> Uplink::write_until_done() {
  reading_ = true;
  boost::asio::co_spawn(executor_, read_until_lost(shared_from_this()), boost::asio::detached);
  while (!is_done()) {
    if (lost_) std::rethrow_exception(lost_);
    if (written_ < outgoing_.size()) {
      co_await write_some();
    } else {
      co_await wait(wake_);
    }
  }
  co_await leave();
}

awaitable<void> Uplink::write_some() {
  Batch batch;
  for (std::size_t i = written_; i < outgoing_.size(); ++i) batch.push_back(outgoing_[i].text);
  writing_ = true;
  const std::shared_ptr<void> over(nullptr, [this](void*) { writing_ = false; });
  written_ = outgoing_.size();
  co_await write(std::move(batch));
}

awaitable<void> Uplink::leave() {
  leaving_ = true;
  timer_.expires_after(kGoodbyeTimeout);
  timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (self && !error) self->cut();
  });
  co_await say_goodbye();
  while (reading_) co_await wait(wake_);
  timer_.cancel();
  leaving_ = false;
}

awaitable<void> Uplink::pause() {
  timer_.expires_after(backoff_.next());
  co_await wait(timer_);
}

void Uplink::lost(const std::string& why) {
  if (std::exchange(outage_, true)) return;
  detail::notice(reconnect_, subject_, "no connection (" + why + "); connecting again");
}

}  // namespace penstock::net
