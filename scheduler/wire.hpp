// Between protocol messages and the core's events and actions. The only file besides the driver that
// sees both.
#pragma once

#include <vector>

#include "proto/frame.hpp"
#include "scheduler/core/action.hpp"
#include "scheduler/core/event.hpp"
#include "scheduler/program_store.hpp"

namespace penstock::scheduler::wire {

using ClientFrame = proto_frame::Frame<v1::ClientBatch>;
using WorkerFrame = proto_frame::Frame<v1::WorkerBatch>;
using ClientInbox = proto_frame::Frame<v1::ClientInbox>;
using WorkerInbox = proto_frame::Frame<v1::WorkerInbox>;

// What a batch says, in the order that keeps its promises (plans ahead of tasks). Moves payloads out.
std::vector<Event> events_of(ClientId client, ClientFrame&& frame);
std::vector<Event> events_of(WorkerId worker, WorkerFrame&& frame);
Event event_of(v1::WorkerExit&& exit);
// Moves it out. Of a batch that has one.
ProgramPiece piece_of(ClientFrame& frame);
// `report` is the number for its answer.
Event event_of(std::uint64_t report, v1::HostReport&& message);

void add(ClientInbox& inbox, SendOutcome&& action);
void add(ClientInbox& inbox, const SendClusterState& action);
void add(WorkerInbox& inbox, SendPlan&& action);
void add(WorkerInbox& inbox, const SendForgetPlan& action);
void add(WorkerInbox& inbox, SendTask&& action);
void add(WorkerInbox& inbox, const SendCancel& action);
void add(WorkerInbox& inbox, const SendFree& action);
void add(ClientInbox& inbox, SendAnswer&& action);
void add(ClientInbox& inbox, SendNameAsked&& action);
void add(WorkerInbox& inbox, const SendUnshare& action);
void add(WorkerInbox& inbox, const SendGoneClient& action);
void add(WorkerInbox& inbox, const SendRetire& action);
void add(ClientInbox& inbox, SendWorkers&& action);
void add(ClientInbox& inbox, SendProgramRequest&& action);
v1::HostOrders message_of(SendOrders&& action);

}  // namespace penstock::scheduler::wire
