// The window of a scatter: lets elements in while there are places, makes emits wait while there are
// none.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "penstock/detail/delivery.hpp"
#include "penstock/detail/export.hpp"
#include "penstock/detail/graph.hpp"
#include "penstock/detail/remote_element.hpp"

namespace penstock::detail {

// While it lives, this thread delivers the outcome of an element into the local stream, with this delivery.
class OutcomeDelivery {
 public:
  explicit OutcomeDelivery(const Delivery& delivery) : before_(std::exchange(current, &delivery)) {}
  ~OutcomeDelivery() { current = before_; }
  OutcomeDelivery(const OutcomeDelivery&) = delete;
  OutcomeDelivery& operator=(const OutcomeDelivery&) = delete;
  // Null: none.
  static const Delivery* in_progress() { return current; }

 private:
  PENSTOCK_EXPORT static constinit thread_local const Delivery* current;
  const Delivery* const before_;
};

struct GateLimits {
  std::size_t elements = 0;  // 0: adapts to the cluster and to how long the tasks take
  std::size_t bytes = std::size_t{256} << 20;
};

// Thread-safe. Elements leave it one at a time in the order in which they came, on the thread of the
// emit, or on the client's loop when they had to wait.
class ScatterGate {
 public:
  using Push = std::function<void(RemoteElement&&, Delivery&)>;
  using End = std::function<void(Delivery&)>;
  using InCycle = std::function<bool()>;

  // `push` and `end` belong to the node, which belongs to `graph`. `in_cycle`: whether elements may come back to it.
  static std::shared_ptr<ScatterGate> create(GateLimits limits, PortPtr port, Shared<Graph> graph, Push push, End end,
                                             InCycle in_cycle);
  virtual ~ScatterGate() = default;

  // `key`: see key_of().
  virtual void enter(std::string bytes, std::uint64_t key, Delivery& delivery) = 0;
  virtual void end(Delivery& delivery) = 0;
  // A place for something that was made of elements that are in already, whether there is room or not.
  virtual TicketPtr admit(Token token, std::uint64_t key = 0) = 0;
  // A fixed window in place of the adaptive one.
  virtual void set_window(std::size_t elements) = 0;
  // Its elements go to one worker, which holds only so many.
  virtual void fit_one_worker() = 0;
  virtual std::size_t in_window() const = 0;
  virtual std::size_t capacity() const = 0;
  virtual const std::shared_ptr<Loop>& loop() const = 0;
};

// Of a node that makes several elements of one, or one of those of several scatters. While more of what it has made is
// on its way than the window has places, what brings it more waits: not for the window itself, in which that may be.
// Thread-safe.
class Room : public std::enable_shared_from_this<Room> {
 public:
  static std::shared_ptr<Room> create(std::shared_ptr<ScatterGate> gate) {
    return std::shared_ptr<Room>(new Room(std::move(gate)));
  }

  // As ScatterGate::admit().
  TicketPtr admit(Token token, std::uint64_t key = 0);
  // Of what has just been delivered to the node.
  void wait(Delivery& delivery);

 private:
  explicit Room(std::shared_ptr<ScatterGate> gate) : gate_(std::move(gate)) {}
  void leave();

  const std::shared_ptr<ScatterGate> gate_;
  std::mutex mutex_;
  std::size_t made_ = 0;  // and on its way
  std::vector<Delivery> waiting_;
};

}  // namespace penstock::detail
