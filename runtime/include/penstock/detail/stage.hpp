// How a function travels: a stage names a registered function by module and offset; a bound plan is
// a chain of stages resolved in this process, ready to run on encoded input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "absl/status/statusor.h"
#include "penstock/detail/export.hpp"

namespace penstock::detail {

class Value;  // a value of any type, owned; see task.hpp

// One for each task type, in static storage, registered before main(). Its address is its identity:
// (build-id of the module it lies in, offset from the module's base).
struct TaskEntry {
  // For people: "increment", "lambda(double) in main". Which function a pointer means is told by
  // the constants; other functions do not look at them.
  std::string (*function)(std::string_view constants);
  std::string (*signature)();  // structural: "({s;f8;},)->f8"
  // The C++ types that `call` takes and leaves: neighbours in a plan must agree on them, because
  // equal signatures do not make equal types.
  const std::type_info* argument;
  const std::type_info* result;
  // Decodes captures and extra arguments, once for each plan.
  absl::StatusOr<std::shared_ptr<const void>> (*bind)(std::string_view constants);
  // Sees to it that the values which the bound constants refer to are here (broadcast.hpp). Null: there are none.
  void (*prepare)(const void* bound);
  // Decodes the argument when the stage is the first of its plan.
  absl::Status (*decode)(std::string_view input, Value& value);
  // Replaces the argument in `value` by the result, or by nothing: the element is dropped, and no later
  // stage runs. Throws what the user's function throws.
  void (*call)(const void* bound, Value& value);
  // Encodes the result when the stage is the last of its plan.
  void (*encode)(const Value& value, std::string& output);
};

// What stands for the build-id of a module where a task is known by its name.
inline constexpr std::string_view kNamedTask = "task:";
inline std::string module_of_name(std::string_view name) { return std::string(kNamedTask) + std::string(name); }

struct Module {
  std::string build_id;  // raw bytes
  std::string name;      // file name without folders
  std::uint32_t tasks = 0;
};

// Stages without a module, by their function: every worker has them.
inline constexpr std::string_view kStoreStage = "penstock.store";  // returns its input
inline constexpr std::string_view kShareStage = "penstock.share";  // its input is the value named by the constants

// A stage as it travels.
struct Stage {
  std::string module;        // build-id, raw bytes; empty: one of every worker's
  std::uint64_t offset = 0;  // of the TaskEntry
  std::string module_name;   // for people
  std::string function;      // for people
  std::string signature;
  std::string constants;  // encoded captures and extra arguments
  std::vector<std::shared_ptr<const void>> uses = {};  // on the client: what the constants refer to
};

// Names an entry for the other side. Fails when its module has no build-id.
PENSTOCK_EXPORT absl::StatusOr<Stage> make_stage(const TaskEntry& entry, std::string constants);

// The modules of this process that registered tasks, and each named task as one. Thread-safe; grows after dlopen.
PENSTOCK_EXPORT std::vector<Module> task_modules();

struct TaskFailure {
  bool raised = true;    // by the function; false: input not decodable or result not encodable
  bool missing = false;  // a value that is shared by all tasks (broadcast.hpp) is not here: `text` is its name
  std::string type;      // "std::out_of_range", demangled
  std::string text;      // what(), "unknown exception" when it is not a std::exception
  std::string function;  // of the stage
};

class PENSTOCK_EXPORT BoundPlan {
 public:
  // Resolves the stages against this process's own table. Errors name the function and say what to
  // do: FAILED_PRECONDITION "code not available: ...", INVALID_ARGUMENT for a different signature,
  // undecodable constants, stages that do not fit together, or no stage at all. The modules of the
  // stages must stay loaded during the call and as long as the plan.
  static absl::StatusOr<BoundPlan> bind(std::span<const Stage> stages);

  // Decodes `input`, runs all stages, appends the encoded result to `output`; nothing when a stage dropped
  // the element, as no value has an empty encoding. Thread-safe: bound constants are only read. On failure
  // `output` is unchanged.
  std::optional<TaskFailure> run(std::string_view input, std::string& output) const;

 private:
  struct Step {
    const TaskEntry* entry;
    std::shared_ptr<const void> bound;
    std::string function;
  };
  std::vector<Step> steps_;
};

}  // namespace penstock::detail
