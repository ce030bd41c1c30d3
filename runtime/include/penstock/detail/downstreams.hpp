// The downstreams of a node, in the order in which they were connected.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "penstock/detail/inlet.hpp"

namespace penstock::detail {

class OutletBase;

// connect() and disconnect() may come from any thread while elements pass: these see the list as it was
// before or after. Elements pass on one thread at a time.
class Downstreams {
 public:
  struct Entry {
    Upstreams* inlet;
    bool counted;  // as an upstream of the inlet: not when it was connected after our end
  };

  using Entries = absl::InlinedVector<Entry, 1>;

  Downstreams() = default;
  ~Downstreams();
  Downstreams(const Downstreams&) = delete;
  Downstreams& operator=(const Downstreams&) = delete;

  // `outlet` is the one whose downstreams these are.
  void connect(Upstreams* inlet, OutletBase& outlet);
  // False: it is no downstream. Of several equal ones the last goes.
  bool disconnect(Upstreams* inlet, OutletBase& outlet);

  std::size_t count() const;

  // The one downstream, when there is just one: the usual case.
  Upstreams* only() const { return only_.load(std::memory_order_acquire); }

  // ---- with the lock of the shape held ----
  Entries entries() const;
  void disconnect_all(Upstreams* inlet, OutletBase& outlet);
  void disconnect_all(OutletBase& outlet);

  // Calls visit(inlet, is_last) for each.
  template <class Visit>
  void each(Visit visit) {
    if (Upstreams* one = only()) {
      if (!one->destroyed()) visit(one, true);
      return;
    }
    const Walk walk(*this);
    const List* list = walk.list();
    if (list == nullptr) return;
    const Entries& entries = list->entries;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Upstreams* inlet = entries[i].inlet;
      if (!inlet->destroyed()) visit(inlet, i + 1 == entries.size());
    }
  }

  // Only the first call counts: a stream ends once, however many of its upstreams come and go.
  void end(Delivery& delivery);

 private:
  struct List {
    Entries entries;
    std::unique_ptr<List> replaced;  // the ones before it, when someone may be in them
  };

  // Keeps the list that it walks, whatever replaces it meanwhile.
  class Walk {
   public:
    explicit Walk(Downstreams& of) : of_(of) { of_.walkers_.fetch_add(1); }
    ~Walk() {
      if (of_.walkers_.fetch_sub(1) == 1 && of_.any_replaced_.load(std::memory_order_relaxed)) {
        of_.drop_replaced();
      }
    }
    const List* list() const { return of_.current_.load(); }

   private:
    Downstreams& of_;
  };

  void replace(Entries entries);
  void drop_replaced();
  void drop_all_replaced();  // with the lock

  std::atomic<Upstreams*> only_{nullptr};
  std::atomic<List*> current_{nullptr};  // owned; there is none before there are two, which most never have
  std::atomic<int> walkers_{0};
  std::atomic<bool> any_replaced_{false};
  std::atomic<bool> ended_{false};
  bool only_counted_ = false;  // while there is no list; with the lock
};

}  // namespace penstock::detail
