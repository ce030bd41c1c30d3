// What the core knows of one connected client.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "scheduler/core/lane.hpp"
#include "scheduler/core/plan_table.hpp"
#include "scheduler/core/program.hpp"
#include "scheduler/core/task_index.hpp"
#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

// A plan under the client's own number. Either plan and lane, or why it was refused.
struct ClientPlan {
  Plan* plan = nullptr;
  Lane* lane = nullptr;
  std::string refusal;
};

struct Client {
  ClientId id{};
  std::string name;
  TimePoint joined;
  TimePoint heard;
  std::optional<std::uint64_t> last_id;
  TaskIndex tasks;
  std::map<std::uint32_t, ClientPlan> plans;
  // By what they need and their priority; never iterated where order matters.
  std::map<std::pair<Requirement*, std::int32_t>, std::unique_ptr<Lane>> lanes;
  std::uint64_t turn = 0;                               // moment its last turn ended
  std::uint32_t weight = 1;                             // tasks in a turn
  std::uint32_t started = 0;                            // of them in this one
  std::uint64_t waiting = 0;
  std::uint64_t assigned = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  bool keeps_values = false;  // it has, or had, values at workers
  Program* program = nullptr;  // that it offers
  std::string no_program;      // why the one that it offers is not taken

  // Null when unknown. Remembers the last one found, as tasks of one plan come in runs.
  ClientPlan* find_plan(std::uint32_t number) {
    if (last_plan_ == nullptr || last_number_ != number) {
      const auto found = plans.find(number);
      if (found == plans.end()) return nullptr;
      last_number_ = number;
      last_plan_ = &found->second;
    }
    return last_plan_;
  }

  void erase_plan(std::uint32_t number) {
    plans.erase(number);
    last_plan_ = nullptr;
  }

 private:
  std::uint32_t last_number_ = 0;
  ClientPlan* last_plan_ = nullptr;
};

}  // namespace penstock::scheduler
