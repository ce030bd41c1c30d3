// One of several inputs of a node: zip, combine_latest and the like have one port for each stream.
#pragma once

#include <cstddef>
#include <utility>

#include "penstock/detail/inlet.hpp"

namespace penstock::detail {

// Owner is a node with
//   template <std::size_t kIndex, class U> void receive(U&& value, Delivery& delivery);
//   template <std::size_t kIndex> void input_ended(Delivery& delivery);   // all its upstreams have ended
template <class Owner, std::size_t kIndex, class T>
class Port final : public Receiver<Port<Owner, kIndex, T>, T> {
 public:
  explicit Port(Owner& owner) : owner_(owner) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    owner_.template receive<kIndex>(std::forward<U>(value), delivery);
  }
  void handle_error(std::exception_ptr error, Delivery& delivery) {
    owner_.handle_error(std::move(error), delivery);
  }
  NodeBase& node() override { return owner_; }

  bool is_careful() const { return owner_.is_careful(); }
  template <class Action>
  auto caught(Action&& action) {
    return owner_.caught(action);
  }
  void end_now(Delivery& delivery) override { owner_.template input_ended<kIndex>(delivery); }

 protected:
  void all_ended(Delivery& delivery) override {
    if (!this->hold_back_end(delivery)) end_now(delivery);
  }

 private:
  Owner& owner_;
};

}  // namespace penstock::detail
