#include "worker/value_store.hpp"

#include <utility>

namespace penstock::worker {
namespace {

// Takes `amount` of what is limited. False: there is not so much left.
template <typename Number>
bool take(std::atomic<Number>& taken, Number amount, Number limit) {
  Number before = taken.load();
  do {
    if (amount > limit || before > limit - amount) return false;
  } while (!taken.compare_exchange_weak(before, before + amount));
  return true;
}

// A mapping, and the value whose room it takes.
struct BeingRead {
  std::shared_ptr<const void> mapping;
  std::shared_ptr<const StoredValue> value;
};

}  // namespace

absl::StatusOr<proto_values::Bytes> StoredValue::bytes() const {
  if (!shared_) return proto_values::Bytes{heap_, shared_from_this()};
  absl::StatusOr<proto_values::Bytes> mapped = shared_->map();
  if (!mapped.ok()) return mapped;
  mapped->owner = std::make_shared<BeingRead>(BeingRead{std::move(mapped->owner), shared_from_this()});
  return mapped;
}

ValueStore::Value ValueStore::admit(std::string& bytes) {
  if (!open_) return nullptr;
  const std::uint64_t size = bytes.size();
  if (!take(room_->bytes, size, limits_.max_bytes)) return nullptr;
  const bool shared = take<std::size_t>(room_->descriptors, 1, limits_.max_descriptors);
  auto made = shared ? proto_values::SharedBytes::make(bytes)
                     : absl::ResourceExhaustedError("no descriptor");
  auto* const value = made.ok() ? new StoredValue(*std::move(made)) : new StoredValue(std::move(bytes));
  if (shared && value->shared() == nullptr) --room_->descriptors;
  return Value(value, [room = room_](const StoredValue* gone) {
    if (gone->shared() != nullptr) --room->descriptors;
    const std::uint64_t given_back = gone->size();
    delete gone;
    room->bytes -= given_back;
  });
}

void ValueStore::hold(ClientId client, ValueName name, Value value) {
  const std::lock_guard lock(mutex_);
  Held& held = held_[name];
  held.client = client;
  std::swap(held.value, value);  // an earlier one goes after the lock
}

ValueStore::Value ValueStore::find(ValueName name) const {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(name);
  return found == held_.end() ? nullptr : found->second.value;
}

void ValueStore::free(std::span<const ValueName> names) {
  std::vector<Value> gone;
  const std::lock_guard lock(mutex_);
  for (const ValueName& name : names) {
    const auto found = held_.find(name);
    if (found == held_.end()) continue;
    gone.push_back(std::move(found->second.value));
    held_.erase(found);
  }
}

void ValueStore::drop(ClientId client) {
  std::vector<Value> gone;
  const std::lock_guard lock(mutex_);
  std::erase_if(held_, [&](auto& entry) {
    if (entry.second.client != client) return false;
    gone.push_back(std::move(entry.second.value));
    return true;
  });
}

std::vector<ValueStore::Value> ValueStore::clear() {
  std::vector<Value> gone;
  const std::lock_guard lock(mutex_);
  gone.reserve(held_.size());
  for (auto& [name, held] : held_) gone.push_back(std::move(held.value));
  held_.clear();
  return gone;
}

std::size_t ValueStore::count() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

}  // namespace penstock::worker
