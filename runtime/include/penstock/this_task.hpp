// What a function that runs as a task may ask about that.
//
//   double simulate(Model model) {
//     while (!model.done() && !penstock::this_task::stop_token().stop_requested()) model.step();
//     return model.result();
//   }
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

namespace penstock::this_task {

// Asked to stop when the task that runs on the calling thread was cancelled, or has run for longer than
// TaskOptions::timeout. What it returns or throws then does not matter any more. Outside of a task it is never
// asked to.
std::stop_token stop_token();

// The worker's name; empty outside of a task.
const std::string& worker();

// 1 for the first; 0 outside of a task.
std::uint32_t attempt();

}  // namespace penstock::this_task
