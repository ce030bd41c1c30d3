#include "penstock/detail/remote_nodes.hpp"

#include <algorithm>
#include <utility>

#include "client/log.hpp"
#include "client/remote_outcome.hpp"
#include "penstock/error.hpp"
#include "penstock/task_error.hpp"

namespace penstock::detail {
namespace {

// Elements that a node delivers before it lets the loop do something else.
constexpr int kTurn = 256;

// Of stages that run as one task: on the same worker, with the same resources.
TaskOptions merged(const TaskOptions& a, const TaskOptions& b) {
  TaskOptions both = a;
  both.retries = std::max(a.retries, b.retries);
  both.pause = std::max(a.pause, b.pause);
  // A batch of one is the choice of who wants each task alone.
  both.batch = a.batch == 0 || b.batch == 0 ? std::max(a.batch, b.batch) : std::min(a.batch, b.batch);
  both.local_when_short = a.local_when_short && b.local_when_short;
  both.priority = std::max(a.priority, b.priority);
  both.timeout = a.timeout > Duration::max() - b.timeout ? Duration::max() : a.timeout + b.timeout;
  return both;
}

// Submits the plan on the value of an earlier task once that is there.
CellPtr submit_after(const PortPtr& port, const CellPtr& before, PlanPtr plan, Want want) {
  auto result = std::make_shared<Cell>();
  result->follow(before);
  before->watch([port, before, plan = std::move(plan), want, result] {
    const Outcome& outcome = before->outcome();
    if (result->settled()) return;  // given up
    if (outcome.error || is_dropped(outcome)) return result->settle(outcome);
    auto cell = port->submit(plan, Encoded(outcome), want);
    result->follow(cell);
    if (result->settled()) port->cancel(cell);
    cell->watch([cell, result] { result->settle(cell->outcome()); });
  });
  return result;
}

}  // namespace

Stage stage_of(const StageSpec& spec) {
  auto stage = make_stage(*spec.entry, spec.constants);
  if (!stage.ok()) throw Error(std::string(stage.status().message()));
  stage->uses = spec.uses;
  return *std::move(stage);
}

CellPtr settle_later(const PortPtr& port, RemoteElement element, Want want) {
  if (!element.plan) {
    if (element.cell) return want == Want::kHere ? here(port, element.cell) : std::move(element.cell);
    return std::make_shared<Cell>(Outcome{std::move(element.bytes), nullptr, {}});
  }
  if (!element.cell) return port->submit(element.plan, std::move(element.bytes), want);
  return submit_after(port, element.cell, std::move(element.plan), want);
}

// ---- map ----------------------------------------------------------------------------------------

PlanPtr RemoteMapNode::extended(const PlanPtr& plan) {
  std::lock_guard lock(mutex_);
  if (last_out_ && last_in_ == plan) return last_out_;
  auto stages = plan ? plan->stages() : std::vector<Stage>{};
  stages.push_back(stage_);
  last_in_ = plan;
  last_out_ = port_->make_plan(std::move(stages), plan ? merged(plan->options(), options_) : options_);
  return last_out_;
}

void RemoteMapNode::set_options(TaskOptions options) {
  std::lock_guard lock(mutex_);
  options_ = options;
  last_in_ = last_out_ = nullptr;
}

// One that may run for ever is no part of a task that may not; nor one for another worker, or with other resources.
bool RemoteMapNode::belongs_to(const Plan& plan) {
  std::lock_guard lock(mutex_);
  const TaskOptions& others = plan.options();
  return (others.timeout > Duration::zero()) == (options_.timeout > Duration::zero()) &&
         others.worker == options_.worker && others.resources == options_.resources;
}

void RemoteMapNode::receive(RemoteElement element, Delivery& delivery) {
  if (element.plan && !belongs_to(*element.plan)) {
    auto ticket = element.ticket;
    element = {std::move(ticket), {}, settle_later(port_, std::move(element), Want::kAnywhere), nullptr};
  }
  element.plan = extended(element.plan);
  const std::size_t branches = downstreams().count();
  if (branches == 0) return run_for_its_effect(std::move(element));
  if (branches > 1) {
    // All branches share this one result.
    auto ticket = element.ticket;
    element = {std::move(ticket), {}, settle_later(port_, std::move(element), Want::kAnywhere), nullptr};
  }
  push_down(std::move(element), delivery);
}

// Nobody looks at the result; the window and the errors still count.
void RemoteMapNode::run_for_its_effect(RemoteElement element) {
  auto ticket = element.ticket;
  auto cell = settle_later(port_, std::move(element), Want::kAnywhere);
  cell->watch([cell, graph = graph(), ticket = std::move(ticket)] {
    observe(ticket, cell->outcome());
    if (cell->outcome().error) graph->report(cell->outcome().error);
  });
}

// ---- hop ----------------------------------------------------------------------------------------

void RemoteHopNode::receive(RemoteElement element, Delivery& delivery) {
  auto ticket = element.ticket;
  auto cell = settle_later(port_, std::move(element), Want::kAnywhere);
  port_->loop()->post(while_alive(
      [this, ticket = std::move(ticket), cell = std::move(cell), held = delivery.hold()]() mutable {
        push_down(RemoteElement{std::move(ticket), {}, std::move(cell), nullptr}, held);
      }));
}

void RemoteHopNode::end_now(Delivery& delivery) {
  port_->loop()->post(
      while_alive([this, held = delivery.hold()]() mutable { end_down(held); }));
}

// ---- in order -----------------------------------------------------------------------------------

InOrder::InOrder(Place place, const char* kind, PortPtr port, By by, Want want)
    : NodeBase(std::move(place), kind), port_(std::move(port)), want_(want) {
  cannot_be_destroyed();
  queue_ = std::make_shared<OrderedQueue>(
      [loop = this->place().domain->shared_loop(), pump = while_alive([this] { pump(); })] {
        loop->post(pump);
      },
      by);
}

InOrder::~InOrder() { cancel_all(port_, queue_->abandon()); }

void InOrder::say_what_is_lost() const {
  const std::size_t left = queue_->size();
  if (left == 0) return;
  client::log().warn("a stream went while {} of its elements were on their way: drain() waits for them", left);
}

void InOrder::receive(RemoteElement element, Delivery&) {
  auto ticket = element.ticket;
  const std::uint64_t key = key_of(ticket);
  queue_->push(std::move(ticket), settle_later(port_, std::move(element), want_), key);
}

void InOrder::all_ended(Delivery& delivery) { queue_->push_end(delivery.hold()); }

void InOrder::pump() {
  for (int turn = 0; turn < kTurn; ++turn) {
    auto item = queue_->pop();
    if (!item) return;
    if (!item->cell) {
      emit_end(item->delivery);
      continue;
    }
    observe(item->ticket, item->cell->outcome());
    if (is_dropped(item->cell->outcome())) continue;
    const auto cell = std::move(item->cell);
    const bool delivered = deliver(
        *this, token_of(item->ticket),
        [&](Delivery& d) {
          const OutcomeDelivery scope(d);
          emit_settled(item->ticket, cell, d);
        },
        [this, ticket = item->ticket]() mutable {
          ticket.reset();
          pump();
        });
    if (!delivered) return;
  }
  loop()->post(while_alive([this] { pump(); }));
}

void RemoteSettledNode::emit_settled(const TicketPtr& ticket, const CellPtr& cell, Delivery& delivery) {
  if (goes_around(cell->outcome())) return push_around(ticket, cell, delivery);
  push_down(RemoteElement{kept(ticket), {}, cell, nullptr}, delivery);
}

// ---- flatten ------------------------------------------------------------------------------------

void RemoteFlattenNode::emit_settled(const TicketPtr& ticket, const CellPtr& cell, Delivery& delivery) {
  FlattenOutput output;
  if (auto error = read(cell->outcome(), "flatten", output)) {
    return push_down(RemoteElement{ticket, {}, failed_cell(std::move(error)), nullptr}, delivery);
  }
  for (auto& item : output.items) {
    push_down(RemoteElement{room_->admit(delivery.token(), key_of(ticket)), std::move(item), nullptr, nullptr}, delivery);
  }
  room_->wait(delivery);
}

// ---- keys ---------------------------------------------------------------------------------------

void RemoteKeyNode::emit_settled(const TicketPtr& ticket, const CellPtr& cell, Delivery& delivery) {
  KeyedOutput output;
  if (auto error = read(cell->outcome(), "key", output)) {
    return push_around(ticket, failed_cell(std::move(error)), delivery);
  }
  auto value = std::make_shared<Cell>(Outcome{std::move(output.value), nullptr, {}});
  push_down(KeyedElement{std::move(output.key), {kept(ticket), {}, std::move(value), nullptr}}, delivery);
}

Parts Parts::sequence(std::size_t count) {
  Parts parts;
  encode_length(count, parts.value_.bytes);
  return parts;
}

}  // namespace penstock::detail
