// Broadcast<T>: a value that each worker has a copy of: a model, a table, a configuration.
//
//   auto model = client.broadcast(load_model("model.bin"));
//   images.scatter().map([](const Image& image, const Model& m) { return m.label(image); }, model).gather();
//
// A function gets it where it has a parameter `const T&`, or takes the Broadcast itself (a generic lambda does) and
// reads it with *. It travels to a worker once, and is decoded there once, however many tasks use it. Workers that
// come later get it with the first task that needs it, so do those that come back. Workers free it when the last
// handle is gone, with the tasks and streams that it was given to, or its client.
//
// A handle that is an argument, or an extra argument, is kept until the tasks are done; one inside of another value, or
// that a task by name takes as a T, is not: keep it. In a task, a handle that came as an argument can be read, and not
// be given to tasks of one's own: those need a broadcast() of their own.
//
// T is encoded as any argument (codec.hpp). On the client, and in a local stream, the handle refers to the value
// itself. Handles are cheap to copy and thread-safe; the value is const for everybody.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "penstock/codec.hpp"
#include "penstock/detail/shared_values.hpp"

namespace penstock {

template <class T>
class Broadcast {
 public:
  // Empty, to be assigned to.
  Broadcast() : state_(std::make_shared<State>()) {}

  // Throws Error when the handle is empty. In a task that was sent before this worker had the value, it ends the
  // task, which runs again when the value is here.
  const T& operator*() const {
    const std::lock_guard lock(state_->mutex);
    if (!state_->value) state_->value = detail::shared_value<T>(state_->name);
    return *state_->value;
  }
  const T* operator->() const { return &**this; }
  operator const T&() const { return **this; }  // NOLINT: a parameter const T& takes it

  // ---- for the library ----
  void prepare_for_task() const { **this; }
  // On the client: `uses` goes with the last handle.
  Broadcast(std::string name, std::shared_ptr<const T> value, std::shared_ptr<const void> uses) : Broadcast() {
    state_->name = std::move(name);
    state_->value = std::move(value);
    state_->uses = std::move(uses);
  }
  const std::string& name() const { return state_->name; }
  const std::shared_ptr<const void>& uses() const { return state_->uses; }

 private:
  friend struct Codec<Broadcast<T>>;
  struct State {
    std::string name;
    std::mutex mutex;
    std::shared_ptr<const T> value;  // on a worker when it was used first
    std::shared_ptr<const void> uses;
  };
  std::shared_ptr<State> state_;
};

// It travels as its name.
template <class T>
struct Codec<Broadcast<T>> {
  static_assert(Encodable<T>, "this type cannot be encoded, so it cannot be sent to workers: see penstock/codec.hpp");
  static void encode(const Broadcast<T>& value, std::string& out) { penstock::encode(value.name(), out); }
  static bool decode(Decoder& in, Broadcast<T>& out) { return in.read(out.state_->name); }
  static std::string signature() { return "broadcast(" + signature_of<T>() + ")"; }
};

}  // namespace penstock
