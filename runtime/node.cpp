#include "penstock/detail/node.hpp"

#include <algorithm>
#include <mutex>

#include "penstock/detail/source_control.hpp"
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

NodeBase::NodeBase(Place place, const char* kind) : life_(new NodeLife(std::move(place), kind)) {}
NodeBase::~NodeBase() { delete care_.load(); }

std::vector<Upstreams*> NodeBase::inlets() {
  if (auto* inlet = dynamic_cast<Upstreams*>(this)) return {inlet};
  return {};
}

Loop& NodeBase::need_loop(const LoopRef& option) {
  LoopDomain& domain = *place().domain;
  if (option) {
    domain.set(option.get());
  } else if (domain.loop() == nullptr) {
    domain.set(default_loop());
  }
  return *domain.loop();
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
  set_error_kind(ErrorPolicy::Kind::kDeadLetter);
}

std::vector<OutletBase*> Upstreams::from() const {
  std::vector<OutletBase*> all;
  if (first_from_ != nullptr) all.push_back(first_from_);
  if (more_) all.insert(all.end(), more_->from.begin(), more_->from.end());
  return all;
}

void Upstreams::add_upstream(OutletBase& from, bool counted) {
  if (first_from_ == nullptr) {
    first_from_ = &from;
  } else {
    more().from.push_back(&from);
  }
  if (counted) ++upstreams_;
}

void Upstreams::remove_upstream(OutletBase& from, bool counted, bool had_ended) {
  if (first_from_ != &from) {
    auto& others = more_->from;
    others.erase(std::find(others.begin(), others.end(), &from));
  } else if (more_ && !more_->from.empty()) {
    first_from_ = more_->from.front();
    more_->from.erase(more_->from.begin());
  } else {
    first_from_ = nullptr;
  }
  if (!counted) return;
  --upstreams_;
  if (had_ended) --ended_;
}

const std::vector<NodeBase*>& Upstreams::dead_letters_of() const {
  static const std::vector<NodeBase*> none;
  return more_ ? more_->dead_letters_of : none;
}

void Upstreams::add_dead_letter_of(NodeBase& node) { more().dead_letters_of.push_back(&node); }

void Upstreams::remove_dead_letter_of(NodeBase& node) { std::erase(more_->dead_letters_of, &node); }

Upstreams::More& Upstreams::more() {
  if (!more_) more_ = std::make_unique<More>();
  return *more_;
}

NodeBase::Care& NodeBase::need_care() {
  Care* care = care_.load();
  if (care != nullptr) return *care;
  auto made = std::make_unique<Care>();
  return care_.compare_exchange_strong(care, made.get()) ? *made.release() : *care;
}

void NodeBase::replace_dead_letter(Inlet<Failure>* inlet) {
  if (auto* before = dead_letter()) before->remove_dead_letter_of(*this);
  if (inlet != nullptr) {
    inlet->add_dead_letter_of(*this);
    need_care().dead_letter = inlet;
  } else if (Care* care = care_.load()) {
    care->dead_letter = nullptr;
  }
}

Inlet<Failure>* NodeBase::dead_letter() const {
  const Care* care = care_.load();
  return care != nullptr ? care->dead_letter.load() : nullptr;
}

void NodeBase::set_retry(ErrorPolicy::Retry retry) {
  const char* wrong = dynamic_cast<SourceControl*>(this) != nullptr
                          ? "is a source and has no element to try again: give retry() to the node that fails"
                          : why_no_retry();
  if (retry.times > 0 && wrong != nullptr) throw Error("on_error(): '" + name() + "' " + wrong);
  if (retry.pause > Duration::zero()) need_loop({});
  if (retry.times == 0 && !is_careful()) return;
  Care& care = need_care();
  care.retry_pause = retry.pause;
  care.retry_times = retry.times;
}

ErrorPolicy::Retry NodeBase::retry() const {
  const Care* care = care_.load();
  if (care == nullptr) return {};
  return {care->retry_times, care->retry_pause};
}

void NodeBase::handle_error(std::exception_ptr error, Delivery& delivery) {
  if (const Care* care = care_.load(); care != nullptr && care->catcher != nullptr) {
    *care->catcher = std::move(error);
  } else {
    give_up(std::move(error), {}, delivery);
  }
}

void NodeBase::give_up(std::exception_ptr error, std::any element, Delivery& delivery) {
  switch (life_->error_kind()) {
    case ErrorPolicy::Kind::kRaise:
      delivery.fail(std::move(error));
      return;
    case ErrorPolicy::Kind::kSkip:
      return;
    case ErrorPolicy::Kind::kDeadLetter: {
      Inlet<Failure>* const inlet = dead_letter();
      if (inlet == nullptr) return delivery.fail(std::move(error));  // it was destroyed
      inlet->push(Failure{std::move(error), name(), std::move(element)}, delivery);
      return;
    }
  }
}

}  // namespace detail
}  // namespace penstock
