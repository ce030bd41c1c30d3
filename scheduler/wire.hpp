// Between protocol messages and the core's events and actions. The only file besides the driver that
// sees both.
#pragma once

#include <vector>

#include "cluster.pb.h"
#include "scheduler/core/action.hpp"
#include "scheduler/core/event.hpp"

namespace penstock::scheduler::wire {

// What a batch says, in the order that keeps its promises (plans ahead of tasks). Moves payloads out.
std::vector<Event> events_of(ClientId client, v1::ClientBatch&& batch);
std::vector<Event> events_of(WorkerId worker, v1::WorkerBatch&& batch);
Event event_of(v1::WorkerExit&& exit);

void add(v1::ClientInbox& inbox, SendOutcome&& action);
void add(v1::ClientInbox& inbox, const SendClusterState& action);
void add(v1::WorkerInbox& inbox, SendPlan&& action);
void add(v1::WorkerInbox& inbox, const SendForgetPlan& action);
void add(v1::WorkerInbox& inbox, const SendTask& action);
void add(v1::WorkerInbox& inbox, const SendCancel& action);

}  // namespace penstock::scheduler::wire
