#include "penstock/detail/shared_values.hpp"

#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "penstock/error.hpp"

namespace penstock::detail {
namespace {

struct Entry {
  std::uint64_t client = 0;
  std::uint64_t size = 0;  // encoded
  std::uint64_t used = 0;  // moment

  std::mutex decoding;  // of what follows
  std::optional<std::string> bytes;
  std::map<const void*, DecodedValue> decoded;  // by tag
};
using EntryPtr = std::shared_ptr<Entry>;

class Table {
 public:
  EntryPtr find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return nullptr;
    found->second->used = ++moment_;
    return found->second;
  }

  void put(const std::string& name, EntryPtr entry) {
    std::vector<EntryPtr> gone;  // freed without the lock
    const std::lock_guard lock(mutex_);
    entry->used = ++moment_;
    bytes_ += entry->size;
    if (auto& place = entries_[name]; place) {
      bytes_ -= place->size;
      // What has been decoded of it stays true.
      const std::unique_lock its_lock(place->decoding, std::try_to_lock);
      if (its_lock) entry->decoded = place->decoded;
      gone.push_back(std::exchange(place, std::move(entry)));
    } else {
      place = std::move(entry);
    }
    while (bytes_ > most_ && entries_.size() > 1) gone.push_back(remove(least_used()));
  }

  template <class Unwanted>
  void drop(Unwanted unwanted) {
    std::vector<EntryPtr> gone;
    const std::lock_guard lock(mutex_);
    for (auto it = entries_.begin(); it != entries_.end();) {
      it = unwanted(it->first, *it->second) ? (gone.push_back(remove(it++)), it) : std::next(it);
    }
  }

  void limit(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    most_ = bytes;
  }

  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  using Entries = std::map<std::string, EntryPtr>;

  Entries::iterator least_used() {
    auto least = entries_.begin();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->second->used < least->second->used) least = it;
    }
    return least;
  }
  EntryPtr remove(Entries::iterator at) {
    EntryPtr entry = std::move(at->second);
    bytes_ -= entry->size;
    entries_.erase(at);
    return entry;
  }

  std::mutex mutex_;
  Entries entries_;
  std::uint64_t bytes_ = 0;
  std::uint64_t most_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t moment_ = 0;
};

// Never destroyed: threads that are left behind may use it while the process ends.
Table& shared_table() {
  static auto& table = *new Table;
  return table;
}

}  // namespace

DecodedValue shared_value(const std::string& name, const void* tag,
                          const std::function<DecodedValue(std::string_view)>& decode) {
  if (name.empty()) throw Error("this Broadcast is empty: assign one that client.broadcast() returned to it");
  const EntryPtr entry = shared_table().find(name);
  if (!entry) throw MissingSharedValue(name);
  const std::lock_guard lock(entry->decoding);
  auto& value = entry->decoded[tag];
  if (!value) {
    if (!entry->bytes) throw MissingSharedValue(name);
    value = decode(*entry->bytes);
    entry->bytes.reset();
  }
  return value;
}

void put_shared_value(const std::string& name, std::uint64_t client, std::string bytes) {
  auto entry = std::make_shared<Entry>();
  entry->client = client;
  entry->size = bytes.size();
  entry->bytes = std::move(bytes);
  shared_table().put(name, std::move(entry));
}

void limit_shared_values(std::uint64_t bytes) { shared_table().limit(bytes); }

void drop_shared_value(const std::string& name) {
  shared_table().drop([&](const std::string& other, const Entry&) { return other == name; });
}

void drop_shared_values(std::uint64_t client) {
  shared_table().drop([&](const std::string&, const Entry& entry) { return entry.client == client; });
}

void clear_shared_values() {
  shared_table().drop([](const std::string&, const Entry&) { return true; });
}

std::size_t count_shared_values() { return shared_table().count(); }

}  // namespace penstock::detail
