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
namespace {

std::mutex& domains_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

[[noreturn]] void two_loops() {
  throw LoopError(
      "two different event loops active in one graph: give all its nodes the same {.loop = ...}");
}

}  // namespace

const LoopDomain* LoopDomain::root() const {
  const LoopDomain* domain = this;
  while (const LoopDomain* next = domain->forward_.load(std::memory_order_acquire)) domain = next;
  return domain;
}

Loop* LoopDomain::loop() const { return root()->loop_.load(std::memory_order_acquire); }

std::shared_ptr<Loop> LoopDomain::shared_loop() const {
  std::lock_guard lock(domains_mutex());
  return root()->loop_owner_;
}

void LoopDomain::set(const std::shared_ptr<Loop>& loop) {
  std::lock_guard lock(domains_mutex());
  LoopDomain& domain = *root();
  if (domain.loop_owner_ == loop) return;
  if (domain.loop_owner_) two_loops();
  domain.loop_owner_ = loop;
  domain.loop_.store(loop.get(), std::memory_order_release);
}

void LoopDomain::join(const std::shared_ptr<LoopDomain>& a, const std::shared_ptr<LoopDomain>& b) {
  std::lock_guard lock(domains_mutex());
  LoopDomain& to = *a->root();
  LoopDomain& from = *b->root();
  if (&to == &from) return;
  if (to.loop_owner_ && from.loop_owner_ && to.loop_owner_ != from.loop_owner_) two_loops();
  if (!to.loop_owner_) {
    to.loop_owner_ = from.loop_owner_;
    to.loop_.store(to.loop_owner_.get(), std::memory_order_release);
  }
  // `a` forwards to the root by itself, so owning `a` owns the root.
  from.forward_owner_ = a;
  from.forward_.store(&to, std::memory_order_release);
}

Loop& NodeBase::need_loop(const LoopRef& option) {
  if (option) {
    place_.domain->set(option.get());
  } else if (place_.domain->loop() == nullptr) {
    place_.domain->set(default_loop());
  }
  return *place_.domain->loop();
}

std::string NodeBase::name() const {
  std::lock_guard lock(name_mutex_);
  return name_;
}

void NodeBase::set_name(std::string name) {
  std::lock_guard lock(name_mutex_);
  name_ = std::move(name);
}

void NodeBase::set_dead_letter(Inlet<Failure>* inlet) {
  dead_letter_ = inlet;
  error_kind_ = ErrorPolicy::Kind::kDeadLetter;
}

void NodeBase::handle_error(std::exception_ptr error, Delivery& delivery) {
  switch (error_kind_) {
    case ErrorPolicy::Kind::kRaise:
      delivery.fail(std::move(error));
      return;
    case ErrorPolicy::Kind::kSkip:
      return;
    case ErrorPolicy::Kind::kDeadLetter:
      dead_letter_.load()->push(Failure{std::move(error), name()}, delivery);
      return;
  }
}

}  // namespace detail
}  // namespace penstock
