// The values that clients have given to all workers (broadcast.hpp), in this process. A cache: whatever is not here
// is brought again by its client when a task misses it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "penstock/codec.hpp"
#include "penstock/detail/export.hpp"
#include "penstock/error.hpp"

namespace penstock::detail {

// Thrown by a task that needs a value which is not here.
class PENSTOCK_EXPORT MissingSharedValue {
 public:
  explicit MissingSharedValue(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

// One for each type in each module: types of two modules may have the same name, and differ.
template <class T>
struct [[gnu::visibility("hidden")]] SharedType {
  inline static char tag = 0;
};

using DecodedValue = std::shared_ptr<const void>;

// The value of this name, decoded once for each tag. Throws Error when `name` is empty, MissingSharedValue when it is
// not here, and what `decode` throws. Thread-safe: others that want the same wait.
PENSTOCK_EXPORT DecodedValue shared_value(const std::string& name, const void* tag,
                                          const std::function<DecodedValue(std::string_view)>& decode);

// Throws std::invalid_argument when the bytes are no T.
template <class T>
std::shared_ptr<const T> shared_value(const std::string& name) {
  return std::static_pointer_cast<const T>(shared_value(name, &SharedType<T>::tag, [](std::string_view bytes) {
    auto value = std::make_shared<T>();
    if (const absl::Status status = decode(bytes, *value); !status.ok()) {
      throw std::invalid_argument("a broadcast value cannot be decoded: " + std::string(status.message()));
    }
    return DecodedValue(std::move(value));
  }));
}

// What takes handles to such values keeps what they refer to, and sees to it that they are here before it calls the
// user's function.
using Uses = std::vector<std::shared_ptr<const void>>;

template <class T>
inline constexpr bool kIsHandle = requires(const T& value) { value.prepare_for_task(); };
// Throws Error when the handle cannot be sent from here.
template <class T>
std::shared_ptr<const void> kept_by(const T& handle) {
  if (handle.uses()) return handle.uses();
  throw Error(handle.name().empty()
                  ? "this Broadcast is empty: assign one that client.broadcast() returned to it"
                  : "this Broadcast came to this task from its client: broadcast() its value again for tasks of one's own");
}
template <class T>
void add_uses(const T& value, Uses& uses) {
  if constexpr (kIsHandle<T>) uses.push_back(kept_by(value));
}
template <class T>
void prepare(const T& value) {
  if constexpr (kIsHandle<T>) value.prepare_for_task();
}

// ---- for the worker ----

// `bytes` are kept until they are decoded. Replaces what has the name.
PENSTOCK_EXPORT void put_shared_value(const std::string& name, std::uint64_t client, std::string bytes);
// Beyond so many bytes (encoded), of all values together, those go that were not used for the longest time; one stays.
PENSTOCK_EXPORT void limit_shared_values(std::uint64_t bytes);
PENSTOCK_EXPORT void drop_shared_value(const std::string& name);
// All of the client.
PENSTOCK_EXPORT void drop_shared_values(std::uint64_t client);
PENSTOCK_EXPORT void clear_shared_values();
PENSTOCK_EXPORT std::size_t count_shared_values();

}  // namespace penstock::detail
