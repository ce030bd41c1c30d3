// Connections as a transport like TCP gives them: in order and without repeats in each direction,
// until they break. Then what was on its way is lost, and each side learns of it in its own time or
// only by silence.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "tests/support/simulation/environment.hpp"
#include "tests/support/simulation/messages.hpp"

namespace penstock::simulation {

// What a side is told of a connection's end.
enum class Ending : std::uint8_t {
  kLost,       // it broke, or the other side closed it: try again
  kNameTaken,  // another worker of that name is there: try again for a while
  kRefused,    // never try again
};

// One direction. The reader attaches before anything is sent.
template <class Batch>
class Pipe : public std::enable_shared_from_this<Pipe<Batch>> {
 public:
  explicit Pipe(Environment& environment) : environment_(environment) {}

  void attach(LifePtr reader, std::function<void(Batch&&)> on_batch,
              std::function<void(Ending)> on_end) {
    reader_ = std::move(reader);
    on_batch_ = std::move(on_batch);
    on_end_ = std::move(on_end);
  }
  void detach() {
    reader_ = std::make_shared<Life>(Life{false, {}});
    on_batch_ = nullptr;
    on_end_ = nullptr;
  }

  void send(Batch batch) { push(std::move(batch)); }
  void end(Ending ending) { push(ending); }  // after what is on its way

  void lose() {
    lost_ = true;
    items_.clear();
  }

  // The reader is told out of order; what is on its way is lost.
  void break_off(Ending ending, Duration notice) {
    if (lost_) return;
    lose();
    tell(ending, notice);
  }

  void tell(Ending ending, Duration notice) {
    if (!reader_) return;
    environment_.queue.after(notice, reader_, [self = this->shared_from_this(), ending] {
      if (self->on_end_) std::exchange(self->on_end_, nullptr)(ending);
    });
  }

 private:
  using Item = std::variant<Batch, Ending>;

  void push(Item item) {
    if (lost_ || !reader_) return;
    last_due_ = std::max(last_due_, environment_.queue.now() + environment_.latency());
    items_.push_back(std::move(item));
    // One event for each item; each takes the first, so that a frozen reader keeps the order.
    environment_.queue.after(last_due_ - environment_.queue.now(), reader_,
                             [self = this->shared_from_this()] { self->deliver(); });
  }

  void deliver() {
    if (items_.empty()) return;
    Item item = std::move(items_.front());
    items_.pop_front();
    if (auto* batch = std::get_if<Batch>(&item)) {
      if (on_batch_) on_batch_(std::move(*batch));
    } else if (on_end_) {
      std::exchange(on_end_, nullptr)(std::get<Ending>(item));
    }
  }

  Environment& environment_;
  LifePtr reader_;
  std::function<void(Batch&&)> on_batch_;
  std::function<void(Ending)> on_end_;
  std::deque<Item> items_;
  TimePoint last_due_{};
  bool lost_ = false;
};

// A connection as the faults see it.
class Cable {
 public:
  virtual ~Cable() = default;
  // Nothing passes any more. A side without a notice learns of it by silence only.
  virtual void cut(std::optional<Duration> dialler, std::optional<Duration> scheduler) = 0;
  // Nothing passes in one direction any more, and nobody is told.
  virtual void swallow(bool towards_scheduler) = 0;
};

template <class Up, class Down>
class Connection final : public Cable {
 public:
  explicit Connection(Environment& environment)
      : up(std::make_shared<Pipe<Up>>(environment)),
        down(std::make_shared<Pipe<Down>>(environment)) {}

  void cut(std::optional<Duration> dialler, std::optional<Duration> scheduler) override {
    up->lose();
    down->lose();
    if (dialler) down->tell(Ending::kLost, *dialler);
    if (scheduler) up->tell(Ending::kLost, *scheduler);
  }
  void swallow(bool towards_scheduler) override { towards_scheduler ? up->lose() : down->lose(); }

  const std::shared_ptr<Pipe<Up>> up;      // to the scheduler
  const std::shared_ptr<Pipe<Down>> down;  // to the client or worker that dialled
};
using ClientConnection = Connection<FromClient, ToClient>;
using WorkerConnection = Connection<FromWorker, ToWorker>;

class Listener {
 public:
  virtual ~Listener() = default;
  virtual void accept(std::shared_ptr<ClientConnection> connection) = 0;
  virtual void accept(std::shared_ptr<WorkerConnection> connection) = 0;
};

class Network {
 public:
  explicit Network(Environment& environment) : environment_(environment) {}

  void listen(Listener* listener) { listener_ = listener; }  // null: nobody answers

  // The dialler has attached itself to `down`.
  template <class ConnectionType>
  void dial(std::shared_ptr<ConnectionType> connection) {
    if (listener_ == nullptr) {
      connection->down->break_off(Ending::kLost, environment_.latency());
      return;
    }
    cables_.push_back(connection);
    listener_->accept(std::move(connection));
  }

  // Of connections that somebody still holds.
  std::vector<std::shared_ptr<Cable>> cables() {
    std::erase_if(cables_, [](const auto& cable) { return cable.expired(); });
    std::vector<std::shared_ptr<Cable>> living;
    for (const auto& cable : cables_) living.push_back(cable.lock());
    return living;
  }

 private:
  Environment& environment_;
  Listener* listener_ = nullptr;
  std::vector<std::weak_ptr<Cable>> cables_;
};

}  // namespace penstock::simulation
