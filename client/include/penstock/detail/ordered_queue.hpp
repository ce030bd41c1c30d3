// Elements in the order in which they came, each handed out when its cell has settled and all before it
// are out; or those of the same key only; or in the order in which they settle.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
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
    bool mark = false;  // of push_mark(): no element
  };
  enum class By { kArrival, kKey, kCompletion };

  explicit OrderedQueue(std::function<void()> ready, By by = By::kArrival)
      : ready_(std::move(ready)), by_(by) {}

  // `key` matters by key only.
  void push(TicketPtr ticket, CellPtr cell, std::uint64_t key = 0);
  void push_end(Delivery delivery);
  // Comes out in its place with this value.
  void push_mark(std::string value);
  std::optional<Item> pop();

  // Elements that have not been popped.
  std::size_t size() const;

  // Nobody will pop any more: empties the queue and returns the cells that were in it.
  std::vector<CellPtr> abandon();

 private:
  void completed(std::uint64_t key);
  void look();
  bool first_is_settled() const;

  std::function<void()> ready_;
  const By by_;
  mutable std::mutex mutex_;
  std::deque<Item> items_;
  // By key and number: those that wait for their cell, or for one before them. By completion each has a key of
  // its own.
  std::map<std::pair<std::uint64_t, std::uint64_t>, Item> pending_;
  std::uint64_t last_number_ = 0;
  bool announced_ = false;
  bool abandoned_ = false;
};

}  // namespace penstock::detail
