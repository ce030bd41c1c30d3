// Countable things that workers have and tasks take while they are with a worker: GPUs, licences, bytes of memory.
// They mean what their users want; nobody measures them.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace penstock::scheduler {

using Resources = std::map<std::string, std::int64_t>;  // by name, in thousandths

// What is not there is there 0 times.
bool covers(const Resources& had, const Resources& needed);
void add(Resources& to, const Resources& some);
void subtract(Resources& from, const Resources& some);

// "gpu=1, memory=4GiB"; "none".
std::string in_words(const Resources& resources);

// What the workers of one group have together, as they are on one machine. Most workers are a group of their own.
struct Stock {
  Resources all;
  Resources free;  // that none of their tasks takes
};

}  // namespace penstock::scheduler
