#include "penstock/detail/node.hpp"

#include <mutex>

#include "penstock/error.hpp"

namespace penstock {

std::string Failure::text() const {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "unknown exception";
  }
}

namespace detail {
std::vector<Upstreams*> NodeBase::inlets() {
  if (auto* inlet = dynamic_cast<Upstreams*>(this)) return {inlet};
  return {};
}

Loop& NodeBase::need_loop(const LoopRef& option) {
  if (option) {
    place_.domain->set(option.get());
  } else if (place_.domain->loop() == nullptr) {
    place_.domain->set(default_loop());
  }
  return *place_.domain->loop();
}

void check_only_taker(std::size_t takers) {
  if (takers == 0) return;
  throw Error(
      "these elements cannot be copied, so their stream can have one taker, and it has one already: "
      "share them (map to std::shared_ptr) before the stream branches");
}

void NodeBase::set_dead_letter(Inlet<Failure>* inlet) {
  {
    const std::lock_guard lock(shape_mutex());
    check_not_destroyed(*life_);
    check_not_destroyed(*inlet->node().life());
    replace_dead_letter(inlet);
  }
  error_kind_ = ErrorPolicy::Kind::kDeadLetter;
  careful_ = true;
}

void NodeBase::replace_dead_letter(Inlet<Failure>* inlet) {
  if (auto* before = dead_letter_.load()) std::erase(before->dead_letters_of(), this);
  if (inlet != nullptr) inlet->dead_letters_of().push_back(this);
  dead_letter_ = inlet;
}

void NodeBase::set_retry(ErrorPolicy::Retry retry) {
  if (retry.pause > Duration::zero()) need_loop({});
  retry_ = retry;
  if (retry.times > 0) careful_ = true;
}

void NodeBase::handle_error(std::exception_ptr error, Delivery& delivery) {
  if (catch_ != nullptr) {
    *catch_ = std::move(error);
  } else {
    give_up(std::move(error), {}, delivery);
  }
}

void NodeBase::give_up(std::exception_ptr error, std::any element, Delivery& delivery) {
  switch (error_kind_) {
    case ErrorPolicy::Kind::kRaise:
      delivery.fail(std::move(error));
      return;
    case ErrorPolicy::Kind::kSkip:
      return;
    case ErrorPolicy::Kind::kDeadLetter: {
      Inlet<Failure>* const inlet = dead_letter_;
      if (inlet == nullptr) return delivery.fail(std::move(error));  // it was destroyed
      inlet->push(Failure{std::move(error), name(), std::move(element)}, delivery);
      return;
    }
  }
}

}  // namespace detail
}  // namespace penstock
