// What clients and workers have in common: one connection to the scheduler after the other. Says
// hello, waits for the welcome, writes one batch at a time, sends heartbeats, gives a silent
// connection up and dials again after a pause.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "tests/support/simulation/network.hpp"

namespace penstock::simulation {

template <class Up, class Down>
class Dialler {
 public:
  Dialler(Environment& environment, Network& network)
      : environment_(environment), network_(network), life_(std::make_shared<Life>()) {}
  virtual ~Dialler() { life_->alive = false; }
  Dialler(const Dialler&) = delete;
  Dialler& operator=(const Dialler&) = delete;

  void start() { dial(); }
  void freeze(Duration time) { life_->frozen_until = environment_.queue.now() + time; }
  bool is_alive() const { return life_->alive; }

  // Dies with the process, and waits while it is frozen.
  void after_in_process(Duration delay, EventQueue::Callback callback) {
    environment_.queue.after(delay, life_, std::move(callback));
  }

  // The process is gone at once. The other side may be told what the system's kernel would say, or
  // nothing when the whole machine went down.
  void die(bool tell_scheduler) {
    life_->alive = false;
    if (!connection_) return;
    if (!tell_scheduler) {
      connection_->up->lose();
    } else if (environment_.random.chance(50)) {
      connection_->up->end(Ending::kLost);
    } else {
      connection_->up->break_off(Ending::kLost, environment_.latency());
    }
    connection_->down->detach();
    connection_.reset();
  }

 protected:
  using Wire = Connection<Up, Down>;

  virtual Up hello() = 0;
  virtual void welcomed() = 0;
  virtual void received(Down&& batch) = 0;
  virtual bool fill(Up& batch) = 0;  // false: nothing to say
  virtual void heartbeat() = 0;
  virtual void ended() = 0;
  virtual bool tries_again(Ending ending) = 0;  // false: this process ends now

  void write(bool empty_too = false) {
    if (!connection_ || !welcomed_ || writing_) return;
    Up batch;
    if (!fill(batch) && !empty_too) return;
    connection_->up->send(std::move(batch));
    writing_ = true;
    after(environment_.writing_time(), [this] {
      writing_ = false;
      write();
    });
  }

  void close(Ending ending) {
    connection_->up->break_off(Ending::kLost, environment_.latency());
    lost(ending);
  }

  // Not for events of this connection when it has ended before.
  template <class Callback>
  void after(Duration delay, Callback callback) {
    environment_.queue.after(delay, life_, [this, callback, session = session_] {
      if (session == session_) callback();
    });
  }

  bool is_connected() const { return connection_ != nullptr && welcomed_; }

  Environment& environment_;
  Network& network_;
  const LifePtr life_;
  std::shared_ptr<Wire> connection_;

 private:
  static constexpr Duration kFirstPause = std::chrono::milliseconds(50);
  static constexpr Duration kLongestPause = std::chrono::seconds(1);

  void dial() {
    ++session_;
    welcomed_ = false;
    writing_ = false;
    heard_ = environment_.queue.now();
    connection_ = std::make_shared<Wire>(environment_);
    connection_->down->attach(
        life_, [this](Down&& batch) { read(std::move(batch)); },
        [this](Ending ending) { lost(ending); });
    network_.dial(connection_);
    connection_->up->send(hello());
    watch();
  }

  void read(Down&& batch) {
    heard_ = environment_.queue.now();
    if (batch.welcome && !welcomed_) {
      welcomed_ = true;
      next_pause_ = kFirstPause;
      welcomed();
      beat();
      write();
    }
    received(std::move(batch));
  }

  void beat() {
    heartbeat();
    after(environment_.terms.heartbeat, [this] { beat(); });
  }

  void watch() {
    const TimePoint due = heard_ + environment_.terms.silence;
    if (due <= environment_.queue.now()) return close(Ending::kLost);
    after(due - environment_.queue.now(), [this] { watch(); });
  }

  void lost(Ending ending) {
    ++session_;
    connection_->down->detach();
    connection_.reset();
    ended();
    if (!tries_again(ending)) return;
    // As the real ones do: half of the pause is random.
    const Duration pause = environment_.random.between(next_pause_ / 2, next_pause_);
    next_pause_ = std::min(next_pause_ * 2, kLongestPause);
    after(pause, [this] { dial(); });
  }

  std::uint64_t session_ = 0;
  bool welcomed_ = false;
  bool writing_ = false;
  TimePoint heard_{};
  Duration next_pause_ = kFirstPause;
};

}  // namespace penstock::simulation
