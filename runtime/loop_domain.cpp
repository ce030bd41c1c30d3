#include "penstock/detail/loop_domain.hpp"

#include <mutex>

#include "penstock/error.hpp"

namespace penstock::detail {
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

LoopDomain::LoopDomain() = default;
LoopDomain::~LoopDomain() { Shared<LoopDomain>::adopt(forward_.load(std::memory_order_relaxed)); }

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

void LoopDomain::join(const Shared<LoopDomain>& a, const Shared<LoopDomain>& b) {
  const Shared<LoopDomain> both[] = {a, b};
  join(both);
}

// The lighter one forwards to the heavier. So chains stay short, and a long-lived graph to which others come
// and go stays the root: none of those is kept.
void LoopDomain::join(std::span<const Shared<LoopDomain>> domains) {
  std::lock_guard lock(domains_mutex());
  std::shared_ptr<Loop> loop;
  for (const auto& domain : domains) {
    const auto& other = domain->root()->loop_owner_;
    if (loop && other && loop != other) two_loops();
    if (!loop) loop = other;
  }
  LoopDomain* to = domains.front()->root();
  for (const auto& domain : domains.subspan(1)) {
    LoopDomain* from = domain->root();
    if (to == from) continue;
    if (from->weight_ > to->weight_) std::swap(to, from);
    to->weight_ += from->weight_;
    to->loop_owner_ = loop;  // first: nobody may see the joined domain without it
    to->loop_.store(loop.get(), std::memory_order_release);
    from->forward_.store(Shared<LoopDomain>(to).release(), std::memory_order_release);
  }
}

}  // namespace penstock::detail
