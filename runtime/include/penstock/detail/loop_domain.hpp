// The loop that connected nodes run on.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "penstock/detail/shared.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

// The loop that the nodes between two remote boundaries share, or none yet. Thread-safe.
class LoopDomain : public Counted {
 public:
  LoopDomain();
  ~LoopDomain();

  // The loop, or null.
  [[gnu::always_inline]] Loop* loop() const { return root()->loop_.load(std::memory_order_acquire); }
  std::shared_ptr<Loop> shared_loop() const;
  // Throws LoopError when a different loop is set already.
  void set(const std::shared_ptr<Loop>& loop);
  // Both name one domain afterwards. Throws LoopError when both have loops, and different ones.
  static void join(const Shared<LoopDomain>& a, const Shared<LoopDomain>& b);
  // The same for any number: all of them, or none when it throws.
  static void join(std::span<const Shared<LoopDomain>> domains);

 private:
  [[gnu::always_inline]] const LoopDomain* root() const {
    const LoopDomain* domain = this;
    while (const LoopDomain* next = domain->forward_.load(std::memory_order_acquire)) domain = next;
    return domain;
  }
  LoopDomain* root() { return const_cast<LoopDomain*>(std::as_const(*this).root()); }

  std::uint32_t weight_ = 1;  // domains that were joined into this one
  std::atomic<LoopDomain*> forward_{nullptr};  // an owner of it
  std::atomic<Loop*> loop_{nullptr};
  std::shared_ptr<Loop> loop_owner_;
};

}  // namespace penstock::detail
