#include "penstock/detail/attempts.hpp"

#include <utility>

#include "penstock/detail/node.hpp"

namespace penstock::detail {

void Attempts::failed(std::exception_ptr error, std::any element, Delivery& delivery) {
  NodeBase& node = inlet_.node();
  for (unsigned failed = 1;; ++failed) {
    if (failed > node.retry().times) return node.give_up(std::move(error), std::move(element), delivery);
    if (node.retry().pause > Duration::zero()) {
      waiting_.push_back({std::move(element), delivery.hold(), failed});
      return wait();
    }
    error = attempt(element, delivery);
    if (!error) return;
  }
}

void Attempts::take(std::any element, Delivery& delivery) {
  waiting_.push_back({std::move(element), delivery.hold(), 0});
}

bool Attempts::hold_back_end(Delivery& delivery) {
  if (waiting_.empty()) return false;
  waiting_.push_back({std::nullopt, delivery.hold(), 0});
  return true;
}

std::exception_ptr Attempts::attempt(const std::any& element, Delivery& delivery) {
  return inlet_.node().caught([&] { receive_(inlet_, element, delivery); });
}

void Attempts::wait() {
  NodeBase& node = inlet_.node();
  node.loop()->call_at(node.loop()->now() + pause_after(node.retry().pause, waiting_.front().failed),
                       node.while_alive([this] { go_on(); }));
}

void Attempts::go_on() {
  NodeBase& node = inlet_.node();
  while (!waiting_.empty()) {
    Item& item = waiting_.front();
    if (item.element) {
      if (auto error = attempt(*item.element, item.delivery)) {
        if (++item.failed <= node.retry().times) return wait();
        node.give_up(std::move(error), std::move(*item.element), item.delivery);
      }
    } else {
      inlet_.end_now(item.delivery);
    }
    const Item done = std::move(item);  // let go last: its emit may emit again
    waiting_.pop_front();
  }
}

}  // namespace penstock::detail
