// Between the protocol's messages and the worker's structs: the only file that knows both. Strings
// are moved, messages are reused by the caller. Nothing here trusts the sender.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include <penstock/detail/stage.hpp>

#include "proto/frame.hpp"
#include "proto/resources.hpp"
#include "worker/core/types.hpp"
#include "worker/driver.hpp"

namespace penstock::worker {

// What a worker says of itself.
struct Identity {
  std::string name;
  std::uint32_t threads = 1;
  std::uint64_t memory_limit = 0;  // bytes, 0 = none
  bool supervised = false;
  std::string token;  // shown to the scheduler; empty: none
  proto_resources::Resources resources;  // that its tasks may take
  std::string resource_group;  // of the workers that have them together; empty: alone
  std::string values_address;  // where values that stay here are read
};

// Makes a plan's stages runnable. A plan that cannot run is a function that returns the reason.
using Binder = std::function<PlanFunction(std::span<const detail::Stage> stages)>;

// Binds to the functions registered in this process.
PlanFunction bind_stages(std::span<const detail::Stage> stages);

namespace wire {

using WorkerBatch = proto_frame::Frame<v1::WorkerBatch>;
using WorkerInbox = proto_frame::Frame<v1::WorkerInbox>;

// The first message of a session, with the modules loaded at this moment.
void encode_hello(const Identity& identity, WorkerBatch& to);

// Payloads are moved out of `from`. `to` is cleared first.
void encode(Outbound& from, const Identity& identity, WorkerBatch& to);

// Payloads are moved out of `from`; plans are bound. `to` must be clear.
void decode(WorkerInbox& from, const Binder& bind, Inbound& to);

}  // namespace wire
}  // namespace penstock::worker
