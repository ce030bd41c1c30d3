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

#include "penstock/detail/delivery.hpp"
#include "penstock/detail/export.hpp"
#include "penstock/detail/graph.hpp"
#include "penstock/detail/remote_element.hpp"

namespace penstock::detail {

// While it lives, this thread delivers an outcome into the local stream: what comes back to a scatter
// meanwhile does not wait for the place that the outcome's element has.
class OutcomeDelivery {
 public:
  OutcomeDelivery() : before_(std::exchange(current, true)) {}
  ~OutcomeDelivery() { current = before_; }
  OutcomeDelivery(const OutcomeDelivery&) = delete;
  OutcomeDelivery& operator=(const OutcomeDelivery&) = delete;
  static bool in_progress() { return current; }

 private:
  PENSTOCK_EXPORT static constinit thread_local bool current;
  const bool before_;
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

  // `push` and `end` belong to the node, which belongs to `graph`.
  static std::shared_ptr<ScatterGate> create(GateLimits limits, PortPtr port,
                                             Shared<Graph> graph, Push push, End end);
  virtual ~ScatterGate() = default;

  // `key`: see key_of().
  virtual void enter(std::string bytes, std::uint64_t key, Delivery& delivery) = 0;
  virtual void end(Delivery& delivery) = 0;
  // A place for something that was made of elements that are in already, whether there is room or not.
  virtual TicketPtr admit(Token token) = 0;
  // A fixed window in place of the adaptive one.
  virtual void set_window(std::size_t elements) = 0;
  virtual std::size_t in_window() const = 0;
};

}  // namespace penstock::detail
