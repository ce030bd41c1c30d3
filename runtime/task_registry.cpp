#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "penstock/detail/module.hpp"
#include "penstock/detail/registration.hpp"
#include "penstock/detail/shared_values.hpp"
#include "penstock/detail/stage.hpp"
#include "penstock/detail/task_place.hpp"
#include "penstock/detail/value.hpp"
#include "penstock/error.hpp"

namespace penstock::detail {

namespace {

struct Place {
  std::string build_id;
  std::uint64_t offset = 0;
  std::string module;
  std::string signature;
};

// All entries of this process. An entry is placed (module found, signature made) on first need, not
// when it registers: that happens before main() and under the dynamic linker's lock.
class TaskTable {
 public:
  void add(const TaskEntry* entry) {
    const std::unique_lock lock(mutex_);
    unplaced_.push_back(entry);
  }

  void remove(const TaskEntry* entry) {
    const std::unique_lock lock(mutex_);
    std::erase(unplaced_, entry);
    const auto it = places_.find(entry);
    if (it == places_.end()) return;
    by_place_.erase({it->second.build_id, it->second.offset});
    places_.erase(it);
  }

  // Calls into the module of `entry`, so nobody may unload it meanwhile.
  std::optional<Place> place(const TaskEntry* entry) {
    place_all();
    {
      const std::shared_lock lock(mutex_);
      const auto it = places_.find(entry);
      if (it == places_.end()) return std::nullopt;
      if (!it->second.signature.empty()) return it->second;
    }
    std::string signature = entry->signature();
    const std::unique_lock lock(mutex_);
    const auto it = places_.find(entry);
    if (it == places_.end()) return std::nullopt;
    it->second.signature = std::move(signature);
    return it->second;
  }

  const TaskEntry* find(const std::string& build_id, std::uint64_t offset) {
    place_all();
    const std::shared_lock lock(mutex_);
    const auto it = by_place_.find({build_id, offset});
    return it == by_place_.end() ? nullptr : it->second;
  }

  // The first of a name counts, for as long as it is there.
  void add_name(const std::string& name, const NamedEntries& entries) {
    const std::unique_lock lock(mutex_);
    named_[name].push_back(entries);
  }
  void remove_name(const std::string& name, const NamedEntries& entries) {
    const std::unique_lock lock(mutex_);
    auto& all = named_[name];
    std::erase_if(all, [&](const NamedEntries& one) { return one.call == entries.call; });
    if (all.empty()) named_.erase(name);
  }
  const TaskEntry* find_named(const std::string& name, std::uint64_t form) {
    const std::shared_lock lock(mutex_);
    const auto found = named_.find(name);
    if (found == named_.end()) return nullptr;
    const NamedEntries& entries = found->second.front();
    return form == static_cast<std::uint64_t>(NamedForm::kMap) ? entries.map : entries.call;
  }
  std::vector<std::string> names() {
    const std::shared_lock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, entries] : named_) names.push_back(name);
    return names;
  }

  std::vector<Module> modules() {
    place_all();
    const std::shared_lock lock(mutex_);
    std::map<std::string, Module> modules;
    for (const auto& [entry, place] : places_) {
      if (place.build_id.empty()) continue;
      Module& module = modules[place.build_id];
      module.build_id = place.build_id;
      module.name = place.module;
      ++module.tasks;
    }
    std::vector<Module> out;
    for (auto& [build_id, module] : modules) out.push_back(std::move(module));
    for (const auto& [name, entries] : named_) out.push_back({module_of_name(name), "task " + name, 1});
    return out;
  }

 private:
  // Looks at the address only: by now another thread may have unloaded the entry's module.
  static Place find_place(const TaskEntry* entry) {
    Place place;
    if (const std::optional<LoadedModule> module = module_of(entry)) {
      place.build_id = module->build_id;
      place.module = module->name;
      place.offset = reinterpret_cast<std::uintptr_t>(entry) - module->base;
    }
    return place;
  }

  // Finds modules outside our lock, because that takes a lock of the dynamic linker.
  void place_all() {
    std::vector<const TaskEntry*> waiting;
    {
      const std::shared_lock lock(mutex_);
      if (unplaced_.empty()) return;
      waiting = unplaced_;
    }
    std::vector<Place> found;
    for (const TaskEntry* entry : waiting) found.push_back(find_place(entry));
    const std::unique_lock lock(mutex_);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (std::erase(unplaced_, waiting[i]) == 0)
        continue;  // placed by another thread, or unloaded
      by_place_[{found[i].build_id, found[i].offset}] = waiting[i];
      places_.emplace(waiting[i], std::move(found[i]));
    }
  }

  std::shared_mutex mutex_;
  std::vector<const TaskEntry*> unplaced_;
  std::unordered_map<const TaskEntry*, Place> places_;
  std::map<std::pair<std::string, std::uint64_t>, const TaskEntry*> by_place_;
  std::map<std::string, std::vector<NamedEntries>> named_;
};

// Never destroyed: entries leave it while the process ends.
TaskTable& table() {
  static auto& table = *new TaskTable;
  return table;
}

std::string list_of_modules() {
  std::string list;
  for (const Module& module : task_modules()) {
    if (module.build_id.starts_with(kNamedTask)) continue;
    list += (list.empty() ? "" : ", ") + module.name + " (" + to_hex(module.build_id) + ")";
  }
  return list.empty() ? "none" : list;
}

absl::Status not_available(const Stage& stage) {
  return absl::FailedPreconditionError(
      "code not available: " + stage.function + " belongs to " + stage.module_name + " (" +
      to_hex(stage.module) + "), which this worker does not have. Modules with tasks here: " +
      list_of_modules() + ". Start the workers with this build of the program (--app), or load its library there (--load).");
}

absl::Status not_a_task(const Stage& stage) {
  return absl::FailedPreconditionError("code not available: " + stage.function +
                                       " is none of the tasks that " + stage.module_name + " (" +
                                       to_hex(stage.module) + ") registered in this worker.");
}

absl::Status other_signature(const Stage& stage, const std::string& own) {
  return absl::InvalidArgumentError(
      "task '" + stage.function + "' has a different signature on this worker: caller " +
      stage.signature + ", worker " + own + ". Rebuild the task library or the caller.");
}

std::string bad_arguments(const std::string& function, std::string_view why) {
  return "bad arguments for " + function + ": " + std::string(why);
}

absl::Status no_such_name(const Stage& stage) {
  std::string list;
  for (const std::string& name : table().names()) list += (list.empty() ? "" : ", ") + name;
  return absl::FailedPreconditionError("no task named '" + stage.function + "' on this worker. Named tasks here: " +
                                       (list.empty() ? "none" : list) + ".");
}

absl::StatusOr<const TaskEntry*> resolve_named(const Stage& stage) {
  const TaskEntry* entry = table().find_named(stage.module.substr(kNamedTask.size()), stage.offset);
  const std::optional<Place> place = entry != nullptr ? table().place(entry) : std::nullopt;
  if (!place) return no_such_name(stage);
  if (place->signature != stage.signature) return other_signature(stage, place->signature);
  return entry;
}

absl::StatusOr<const TaskEntry*> resolve(const Stage& stage) {
  if (stage.module.starts_with(kNamedTask)) return resolve_named(stage);
  const TaskEntry* entry = table().find(stage.module, stage.offset);
  if (entry == nullptr) {
    const std::vector<Module> modules = task_modules();
    const bool known = std::any_of(modules.begin(), modules.end(), [&](const Module& module) {
      return module.build_id == stage.module;
    });
    return known ? not_a_task(stage) : not_available(stage);
  }
  const std::optional<Place> place = table().place(entry);
  if (!place) return not_available(stage);
  if (place->signature != stage.signature) return other_signature(stage, place->signature);
  return entry;
}

// A failure of our side of the call: the bytes, not the function.
TaskFailure bad_input(const std::string& function, std::string_view why) {
  return {false, false, "", bad_arguments(function, why), function};
}

}  // namespace

Registration::Registration(const TaskEntry& entry) : entry_(entry) { table().add(&entry); }
Registration::~Registration() { table().remove(&entry_); }

NamedRegistration::NamedRegistration(std::string name, NamedEntries entries)
    : name_(std::move(name)), entries_(entries) {
  table().add_name(name_, entries_);
}
NamedRegistration::~NamedRegistration() { table().remove_name(name_, entries_); }

void check_task_name(const std::string& name) {
  constexpr std::size_t kLongest = 200;
  if (name.empty() || name.size() > kLongest) {
    throw Error("the name of a task must have 1 to 200 bytes, not " + std::to_string(name.size()));
  }
}

absl::StatusOr<Stage> make_stage(const TaskEntry& entry, std::string constants) {
  std::optional<Place> place = table().place(&entry);
  if (!place) return absl::InternalError("a task that is not registered");
  if (place->build_id.empty()) {
    return absl::FailedPreconditionError("module has no build-id; link with -Wl,--build-id.");
  }
  Stage stage;
  stage.module = std::move(place->build_id);
  stage.offset = place->offset;
  stage.module_name = std::move(place->module);
  stage.function = entry.function(constants);
  stage.signature = std::move(place->signature);
  stage.constants = std::move(constants);
  return stage;
}

TaskPlace& task_place() {
  static thread_local TaskPlace place;
  return place;
}

std::vector<Module> task_modules() { return table().modules(); }

absl::StatusOr<BoundPlan> BoundPlan::bind(std::span<const Stage> stages) {
  if (stages.empty()) return absl::InvalidArgumentError("a plan without stages");
  BoundPlan plan;
  for (const Stage& stage : stages) {
    absl::StatusOr<const TaskEntry*> entry = resolve(stage);
    if (!entry.ok()) return entry.status();
    if (!plan.steps_.empty() && *plan.steps_.back().entry->result != *(*entry)->argument) {
      return absl::InvalidArgumentError("task '" + stage.function + "' does not take what '" +
                                        plan.steps_.back().function + "' before it returns");
    }
    absl::StatusOr<std::shared_ptr<const void>> bound;
    try {
      bound = (*entry)->bind(stage.constants);
    } catch (...) {
      bound = absl::InvalidArgumentError(describe_exception().text);
    }
    if (!bound.ok()) {
      return absl::InvalidArgumentError(
          bad_arguments(stage.function, std::string(bound.status().message())));
    }
    plan.steps_.push_back({*entry, *std::move(bound), stage.function});
  }
  return plan;
}

std::optional<TaskFailure> BoundPlan::run(std::string_view input, std::string& output) const {
  Value value;
  const std::string* function = &steps_.front().function;
  try {
    const absl::Status status = steps_.front().entry->decode(input, value);
    if (!status.ok()) return bad_input(*function, std::string(status.message()));
  } catch (...) {
    return bad_input(*function, describe_exception().text);
  }
  try {
    // All of them first: what runs once should not run again because a later stage misses something.
    for (const Step& step : steps_) {
      if (step.entry->prepare != nullptr) step.entry->prepare(step.bound.get());
    }
    for (const Step& step : steps_) {
      function = &step.function;
      step.entry->call(step.bound.get(), value);
      if (!value.has_value()) return std::nullopt;
    }
  } catch (const BadInput& bad) {
    return bad_input(*function, bad.text());
  } catch (const MissingSharedValue& missing) {
    return TaskFailure{.raised = false, .missing = true, .type = "", .text = missing.name(), .function = *function};
  } catch (...) {
    ExceptionText what = describe_exception();
    return TaskFailure{true, false, std::move(what.type), std::move(what.text), *function};
  }
  const std::size_t before = output.size();
  try {
    steps_.back().entry->encode(value, output);
  } catch (...) {
    output.resize(before);
    return TaskFailure{false, false, "", "bad result of " + *function + ": " + describe_exception().text,
                       *function};
  }
  return std::nullopt;
}

}  // namespace penstock::detail
