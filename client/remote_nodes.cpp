#include "penstock/detail/remote_nodes.hpp"

#include <utility>

#include "client/log.hpp"
#include "penstock/error.hpp"
#include "penstock/task_error.hpp"

namespace penstock::detail {
namespace {

// One task takes at most so many elements of an accumulate, so that others get their turn.
constexpr std::size_t kBatchElements = 4096;
constexpr std::size_t kBatchBytes = 1 << 20;

// Elements that a node delivers before it lets the loop do something else.
constexpr int kTurn = 256;

CellPtr failed_cell(std::exception_ptr error) {
  return std::make_shared<Cell>(Outcome{"", std::move(error), {}});
}

// Submits the plan on the value of an earlier task once that is there.
CellPtr submit_after(const PortPtr& port, const CellPtr& before, PlanPtr plan) {
  auto result = std::make_shared<Cell>();
  before->watch([port, before, plan = std::move(plan), result] {
    const Outcome& outcome = before->outcome();
    if (outcome.error) return result->settle(outcome);
    auto cell = port->submit(plan, outcome.value);
    cell->watch([cell, result] { result->settle(cell->outcome()); });
  });
  return result;
}

}  // namespace

Stage stage_of(const StageSpec& spec) {
  auto stage = make_stage(*spec.entry, spec.constants);
  if (!stage.ok()) throw Error(std::string(stage.status().message()));
  return *std::move(stage);
}

CellPtr settle_later(const PortPtr& port, RemoteElement element) {
  if (!element.plan) {
    if (element.cell) return std::move(element.cell);
    return std::make_shared<Cell>(Outcome{std::move(element.bytes), nullptr, {}});
  }
  if (!element.cell) return port->submit(element.plan, std::move(element.bytes));
  return submit_after(port, element.cell, std::move(element.plan));
}

// ---- map ----------------------------------------------------------------------------------------

PlanPtr RemoteMapNode::extended(const PlanPtr& plan) {
  std::lock_guard lock(mutex_);
  if (last_out_ && last_in_ == plan) return last_out_;
  auto stages = plan ? plan->stages() : std::vector<Stage>{};
  stages.push_back(stage_);
  last_in_ = plan;
  last_out_ = port_->make_plan(std::move(stages));
  return last_out_;
}

void RemoteMapNode::receive(RemoteElement element, Delivery& delivery) {
  element.plan = extended(element.plan);
  const std::size_t branches = downstreams().count();
  if (branches == 0) return run_for_its_effect(std::move(element));
  if (branches > 1) {
    // All branches share this one result.
    auto ticket = element.ticket;
    element = {std::move(ticket), {}, settle_later(port_, std::move(element)), nullptr};
  }
  push_down(std::move(element), delivery);
}

// Nobody looks at the result; the window and the errors still count.
void RemoteMapNode::run_for_its_effect(RemoteElement element) {
  auto ticket = element.ticket;
  auto cell = settle_later(port_, std::move(element));
  cell->watch([cell, graph = graph(), ticket = std::move(ticket)] {
    observe_run(ticket, cell->outcome().run);
    if (cell->outcome().error) graph->report(cell->outcome().error);
  });
}

// ---- hop ----------------------------------------------------------------------------------------

void RemoteHopNode::receive(RemoteElement element, Delivery& delivery) {
  auto ticket = element.ticket;
  auto cell = settle_later(port_, std::move(element));
  port_->loop()->post(while_alive(
      [this, ticket = std::move(ticket), cell = std::move(cell), held = delivery.hold()]() mutable {
        push_down(RemoteElement{std::move(ticket), {}, std::move(cell), nullptr}, held);
      }));
}

void RemoteHopNode::end_now(Delivery& delivery) {
  port_->loop()->post(
      while_alive([this, held = delivery.hold()]() mutable { end_down(held); }));
}

// ---- accumulate ---------------------------------------------------------------------------------

RemoteAccumulateNode::RemoteAccumulateNode(Place place, PortPtr port, Stage stage,
                                           std::optional<std::string> start)
    : Operator(std::move(place), "accumulate"),
      port_(std::move(port)),
      plan_(port_->make_plan({std::move(stage)})),
      state_(std::move(start)) {
  cannot_be_destroyed();
  queue_ = std::make_shared<OrderedQueue>(
      [loop = port_->loop(), pump = while_alive([this] { pump(); })] { loop->post(pump); });
}

RemoteAccumulateNode::~RemoteAccumulateNode() {
  for (const auto& cell : queue_->abandon()) port_->cancel(cell);
}

void RemoteAccumulateNode::receive(RemoteElement element, Delivery&) {
  auto ticket = element.ticket;
  queue_->push(std::move(ticket), settle_later(port_, std::move(element)));
}

void RemoteAccumulateNode::end_now(Delivery& delivery) { queue_->push_end(delivery.hold()); }

void RemoteAccumulateNode::pump() {
  while (!busy_ && collect()) {
    std::vector<std::string> elements;
    for (const auto& item : batch_) {
      if (item.cell && !item.cell->outcome().error) elements.push_back(item.cell->outcome().value);
    }
    if (elements.empty()) {
      finish_batch({});
    } else {
      run_batch(std::move(elements));
    }
  }
}

// Takes what is ready into the batch; false when nothing is.
bool RemoteAccumulateNode::collect() {
  std::size_t bytes = 0;
  while (batch_.size() < kBatchElements && bytes < kBatchBytes) {
    auto item = queue_->pop();
    if (!item) break;
    if (item->cell) {
      bytes += item->cell->outcome().value.size();
      observe_run(item->ticket, item->cell->outcome().run);
    }
    batch_.push_back(std::move(*item));
  }
  return !batch_.empty();
}

void RemoteAccumulateNode::run_batch(std::vector<std::string> elements) {
  busy_ = true;
  std::string input;
  encode(AccumulateInput{state_.value_or(""), state_.has_value(), std::move(elements)}, input);
  auto cell = port_->submit(plan_, std::move(input));
  cell->watch([cell, loop = port_->loop(), finish = while_alive([this, cell] {
                 busy_ = false;
                 finish_batch(cell->outcome());
                 pump();
               })]() mutable { loop->post(std::move(finish)); });
}

void RemoteAccumulateNode::finish_batch(const Outcome& outcome) {
  AccumulateOutput output;
  std::exception_ptr error = outcome.error;
  if (!error && !outcome.value.empty()) {
    if (const absl::Status status = decode(outcome.value, output); !status.ok()) {
      error = make_task_error({TaskErrorKind::kBadArguments, "", std::string(status.message()),
                               plan_->stages()[0].function, "", 0});
    } else {
      state_ = std::move(output.state);
    }
  }
  std::size_t next = 0;
  for (auto& item : std::exchange(batch_, {})) {
    if (!item.cell || item.cell->outcome().error) {
      pass_on(item, {item.ticket, {}, item.cell, nullptr});
    } else if (error || next >= output.items.size()) {
      pass_on(item, {item.ticket, {}, failed_cell(error), nullptr});
    } else if (auto& result = output.items[next++]; result.ok) {
      pass_on(item, {item.ticket, std::move(result.value), nullptr, nullptr});
    } else {
      const auto kind =
          result.error_type.empty() ? TaskErrorKind::kBadArguments : TaskErrorKind::kRaised;
      pass_on(item, {item.ticket, {},
                     failed_cell(make_task_error({kind, result.error_type, result.error_text,
                                                  plan_->stages()[0].function, result.worker,
                                                  result.attempt})),
                     nullptr});
    }
  }
}

void RemoteAccumulateNode::pass_on(OrderedQueue::Item& item, RemoteElement element) {
  if (!item.cell) return end_down(item.delivery);
  deliver(*this, {}, [&](Delivery& d) { push_down(std::move(element), d); }, [] {});
}

// ---- gather -------------------------------------------------------------------------------------

GatherBase::GatherBase(Place place, PortPtr port)
    : NodeBase(std::move(place), "gather"), port_(std::move(port)) {
  cannot_be_destroyed();
  queue_ = std::make_shared<OrderedQueue>(
      [loop = this->place().domain->shared_loop(), pump = while_alive([this] { pump(); })] {
        loop->post(pump);
      });
}

GatherBase::~GatherBase() {
  const auto cells = queue_->abandon();
  if (!cells.empty()) {
    client::log().warn(
        "a stream went while {} of its elements were on their way: drain() waits for them", cells.size());
  }
  for (const auto& cell : cells) port_->cancel(cell);
}

void GatherBase::receive(RemoteElement element, Delivery&) {
  auto ticket = element.ticket;
  queue_->push(std::move(ticket), settle_later(port_, std::move(element)));
}

void GatherBase::all_ended(Delivery& delivery) { queue_->push_end(delivery.hold()); }

// One element after the other; the next when the one before has left the last sink.
void GatherBase::pump() {
  for (int turn = 0; turn < kTurn; ++turn) {
    auto item = queue_->pop();
    if (!item) return;
    if (!item->cell) {
      emit_end(item->delivery);
      continue;
    }
    observe_run(item->ticket, item->cell->outcome().run);
    auto cell = std::move(item->cell);
    const bool delivered = deliver(
        *this, token_of(item->ticket), [&](Delivery& d) { emit_value(cell->outcome(), d); },
        [this, ticket = item->ticket]() mutable {
          ticket.reset();
          pump();
        });
    if (!delivered) return;
  }
  loop()->post(while_alive([this] { pump(); }));
}

}  // namespace penstock::detail
