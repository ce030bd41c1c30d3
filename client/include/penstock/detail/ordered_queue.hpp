// Elements in the order in which they came, each handed out when its cell has settled and all before it
// are out.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "penstock/detail/delivery.hpp"
#include "penstock/detail/remote_element.hpp"

namespace penstock::detail {

// Thread-safe. `ready` is called, on any thread and with no lock held, when the first element has
// settled; not again until pop() has returned nothing.
class OrderedQueue : public std::enable_shared_from_this<OrderedQueue> {
 public:
  struct Item {
    TicketPtr ticket;
    CellPtr cell;       // null: the end of the stream
    Delivery delivery;  // of the end
  };

  explicit OrderedQueue(std::function<void()> ready) : ready_(std::move(ready)) {}

  void push(TicketPtr ticket, CellPtr cell);
  void push_end(Delivery delivery);
  std::optional<Item> pop();

  // Nobody will pop any more: empties the queue and returns the cells that were in it.
  std::vector<CellPtr> abandon();

 private:
  void look();
  bool first_is_settled() const;

  std::function<void()> ready_;
  std::mutex mutex_;
  std::deque<Item> items_;
  bool announced_ = false;
  bool abandoned_ = false;
};

}  // namespace penstock::detail
