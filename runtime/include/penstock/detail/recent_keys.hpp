// A value for each key, in the order in which the keys were last used.
#pragma once

#include <concepts>
#include <cstddef>
#include <utility>

#include "penstock/detail/keyed.hpp"
#include "penstock/error.hpp"

namespace penstock::detail {

// Its user says when to drop the oldest. Values stay where they are.
template <class Key, class Value>
class RecentKeys {
 public:
  RecentKeys() = default;
  RecentKeys(const RecentKeys&) = delete;
  RecentKeys& operator=(const RecentKeys&) = delete;

  std::size_t size() const { return table_.size(); }

  // The value of this key, which is now the most recent one; what make() returns when it is new.
  template <class Make>
  Value& use(const Key& key, Make make) {
    if constexpr (std::equality_comparable<Key>) {
      if (!(key == key)) throw Error("a key that does not equal itself (NaN) is never found again");
    }
    auto place = table_.find(key);
    if (place == table_.end()) {
      place = table_.try_emplace(key, make).first;
      place->second.key = &place->first;
    } else if (&place->second == newest_) {
      return newest_->value;
    } else {
      unlink(place->second);
    }
    link(place->second);
    return place->second.value;
  }

  // Neither when there is none.
  Value& oldest() { return oldest_->value; }
  void drop_oldest() {
    Slot& slot = *oldest_;
    unlink(slot);
    table_.erase(table_.find(*slot.key));
  }

 private:
  struct Slot {
    template <class Make>
    explicit Slot(Make& make) : value(make()) {}

    Value value;
    const Key* key = nullptr;
    Slot* older = nullptr;
    Slot* newer = nullptr;
  };

  void link(Slot& slot) {
    slot.older = newest_;
    slot.newer = nullptr;
    (newest_ != nullptr ? newest_->newer : oldest_) = &slot;
    newest_ = &slot;
  }
  void unlink(Slot& slot) {
    (slot.older != nullptr ? slot.older->newer : oldest_) = slot.newer;
    (slot.newer != nullptr ? slot.newer->older : newest_) = slot.older;
  }

  KeyMap<Key, Slot> table_;
  Slot* oldest_ = nullptr;
  Slot* newest_ = nullptr;
};

}  // namespace penstock::detail
