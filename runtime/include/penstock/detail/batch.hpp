// What windows and partitions gather before they pass it on.
#pragma once

#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "penstock/detail/keyed.hpp"
#include "penstock/detail/local_call.hpp"
#include "penstock/nodes/options.hpp"
#include "penstock/token.hpp"

namespace penstock::detail {

// Elements that leave together, and the token of all of them.
template <class T>
struct Batch {
  std::vector<T> elements;
  Token token;
};

// Gathers every element.
template <class T>
class AllElements {
 public:
  template <class U>
  bool add(NodeBase&, U&& value, Delivery& delivery) {
    elements_.push_back(std::forward<U>(value));
    if (!delivery.token()) return true;
    if (!tokens_) tokens_ = std::make_unique<std::vector<Token>>();
    tokens_->push_back(delivery.token());
    return true;
  }
  std::size_t size() const { return elements_.size(); }
  Batch<T> take() {
    const auto tokens = std::exchange(tokens_, nullptr);
    return {std::exchange(elements_, {}), tokens ? Token::join(std::move(*tokens)) : Token()};
  }

 private:
  std::vector<T> elements_;
  std::unique_ptr<std::vector<Token>> tokens_;  // as far as they have any: most have none
};

// Gathers elements with distinct keys.
template <class T, class Key>
class DistinctElements {
  using K = KeyOf<Key, T>;

 public:
  DistinctElements(Key key, Keep keep) : key_(std::move(key)), keep_(keep) {}

  // False: the element is dropped, or its key failed and the node's policy has been applied.
  template <class U>
  bool add(NodeBase& node, U&& value, Delivery& delivery) {
    bool added = false;
    call_key(node, delivery, key_, std::as_const(value), [&](const K& key) {
      added = add_with(key, std::forward<U>(value), delivery.token());
    });
    return added;
  }
  std::size_t size() const { return items_.size(); }

  Batch<T> take() {
    Items items = std::exchange(items_, {});
    by_key_.clear();
    Batch<T> batch;
    batch.elements.reserve(items.size());
    std::vector<Token> tokens;
    for (Item& item : items) {
      batch.elements.push_back(std::move(item.value));
      if (item.token) tokens.push_back(std::move(item.token));
    }
    batch.token = Token::join(std::move(tokens));
    return batch;
  }

 private:
  struct Item {
    T value;
    Token token;
  };
  using Items = std::list<Item>;

  template <class U>
  bool add_with(const K& key, U&& value, const Token& token) {
    const auto known = by_key_.find(key);
    if (known != by_key_.end() && keep_ == Keep::kFirst) return false;
    Items replaced;  // let go last
    Items added;
    if (known != by_key_.end()) {
      added.push_back({keep<T>(std::forward<U>(value)), token});
      replaced.splice(replaced.end(), items_, known->second);
      known->second = added.begin();
    } else {
      K own(key);  // the key may be a part of the value
      added.push_back({keep<T>(std::forward<U>(value)), token});
      by_key_.emplace(std::move(own), added.begin());
    }
    items_.splice(items_.end(), added);
    return true;
  }

  const Key key_;
  const Keep keep_;
  Items items_;
  KeyMap<K, typename Items::iterator> by_key_;
};

}  // namespace penstock::detail
