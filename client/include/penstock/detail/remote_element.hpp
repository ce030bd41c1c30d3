// What flows through the distributed part of a stream: a value somewhere, and what is still to be done
// with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "penstock/detail/cell.hpp"
#include "penstock/detail/passing.hpp"
#include "penstock/detail/task_port.hpp"
#include "penstock/token.hpp"

namespace penstock::detail {

// A place in a scatter's window, held by everything that became of one element. Its last reference
// frees the place.
class Ticket;
using TicketPtr = std::shared_ptr<Ticket>;

// Maps do not submit: they add their stage to `plan`, and who needs the result calls settle_later(). So
// consecutive maps become one task, and a branch becomes tasks with a common input.
struct RemoteElement {
  TicketPtr ticket;   // none while it waits in a window or a join
  std::string bytes;  // the encoded value, when there is no cell
  CellPtr cell;       // where the value is or will be
  PlanPtr plan;       // stages to apply to it; null: none
};

// It stands for a value that is elsewhere: tasks are tried again by the scheduler.
template <>
inline constexpr bool kRetriable<RemoteElement> = false;

// Submits what is still to be done. The cell settles with the element's value or error.
CellPtr settle_later(const PortPtr& port, RemoteElement element, Want want);

// A filter has dropped the element: no value has an empty encoding.
inline bool is_dropped(const Outcome& outcome) {
  return !outcome.error && outcome.kept.empty() && outcome.bytes().empty();
}

// Of the element that was scattered.
const Token& token_of(const TicketPtr& ticket);

// Of the element that was scattered: equal for those that shall stay in order. 0 unless it was scattered by key.
std::uint64_t key_of(const TicketPtr& ticket);

// The element's first task has run for so long, and so much has come back: what a window learns from.
void observe(const TicketPtr& ticket, const Outcome& outcome);

}  // namespace penstock::detail
