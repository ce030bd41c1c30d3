// Registration of task types, before main().
#pragma once

#include <cstdint>
#include <string>
#include <typeinfo>
#include <utility>

#include "penstock/detail/export.hpp"
#include "penstock/detail/stage.hpp"

namespace penstock::detail {

// In the table of this process while it lives: from the load of its module until its unload.
class PENSTOCK_EXPORT Registration {
 public:
  explicit Registration(const TaskEntry& entry);
  ~Registration();
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  const TaskEntry& entry_;
};

// The two forms of a named task: with all its arguments as the input of a call, or with one argument as the
// element of a stream. A Stage has the form as its offset.
enum class NamedForm : std::uint64_t { kCall = 0, kMap = 1 };

struct NamedEntries {
  const TaskEntry* call = nullptr;
  const TaskEntry* map = nullptr;  // of one with one argument only
};

// The name in the table of this process while it lives.
class PENSTOCK_EXPORT NamedRegistration {
 public:
  NamedRegistration(std::string name, NamedEntries entries);
  ~NamedRegistration();
  NamedRegistration(const NamedRegistration&) = delete;
  NamedRegistration& operator=(const NamedRegistration&) = delete;

 private:
  const std::string name_;
  const NamedEntries entries_;
};

// Throws Error.
PENSTOCK_EXPORT void check_task_name(const std::string& name);

// Naming it instantiates the registration it points at, even where the code that names it never
// runs:
//   (void)sizeof(Anchor<&Task::registered>);
template <const auto* kRegistered>
struct Anchor {};

// Of the task type, when it has one.
template <class Task>
constexpr auto prepare_of() -> void (*)(const void*) {
  if constexpr (requires(const void* bound) { Task::prepare(bound); }) {
    return &Task::prepare;
  } else {
    return nullptr;
  }
}

// The base of all task types. Hidden, because two shared libraries with the same inline lambda must
// register one copy each: with default visibility the second would find the first one's guard set.
template <class Task>
struct [[gnu::visibility("hidden")]] Registered {
  // Not const: constants that are equal may be merged, and the address is the identity.
  inline static constinit TaskEntry entry = {&Task::function,
                                             &Task::signature,
                                             &typeid(typename Task::Argument),
                                             &typeid(typename Task::Result),
                                             &Task::bind,
                                             prepare_of<Task>(),
                                             &Task::decode,
                                             &Task::call,
                                             &Task::encode};
  inline static const Registration registered{entry};
};

// Thrown by TaskEntry::call when its input is at fault, not the user's function.
class PENSTOCK_EXPORT BadInput {
 public:
  explicit BadInput(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct ExceptionText {
  std::string type;  // "std::out_of_range", demangled
  std::string text;  // what(), "unknown exception" when it is not a std::exception
};

// Of the exception that is being handled.
PENSTOCK_EXPORT ExceptionText describe_exception();

}  // namespace penstock::detail
