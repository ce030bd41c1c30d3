#include "penstock/detail/remote_nodes.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "client/log.hpp"
#include "penstock/error.hpp"
#include "penstock/task_error.hpp"

namespace penstock::detail {
namespace {

// One task takes at most so many elements of an accumulate, so that others get their turn; and so many bytes
// of elements and of what may come back for them, a state each.
constexpr std::size_t kBatchElements = 4096;
constexpr std::size_t kBatchBytes = 4 << 20;

// Beyond, elements come here too.
constexpr std::size_t kLargeState = 256 << 10;

// Elements that a node delivers before it lets the loop do something else.
constexpr int kTurn = 256;

CellPtr failed_cell(std::exception_ptr error) {
  return std::make_shared<Cell>(Outcome{"", std::move(error), {}});
}

std::exception_ptr bad_result(const std::string& task, std::string_view why) {
  return make_task_error({TaskErrorKind::kBadArguments, "", "bad result: " + std::string(why), task, "", 0});
}

// Reads what a task of the library's own left; or returns why there is nothing to read.
template <class Output>
std::exception_ptr read(const Outcome& outcome, const std::string& task, Output& output) {
  if (outcome.error) return outcome.error;
  const absl::Status status = decode(outcome.bytes(), output);
  return status.ok() ? nullptr : bad_result(task, std::string(status.message()));
}

// The same of an accumulate over so many elements.
std::exception_ptr read(const Outcome& outcome, const Plan& plan, std::size_t elements, AccumulateOutput& output) {
  const std::string& task = plan.stages()[0].function;
  if (auto error = read(outcome, task, output)) return error;
  return output.items.size() == elements ? nullptr : bad_result(task, "another number of elements");
}

// Of an element whose function threw.
std::exception_ptr error_of(const AccumulateItem& failed, const Plan& plan) {
  const auto kind = failed.error_type.empty() ? TaskErrorKind::kBadArguments : TaskErrorKind::kRaised;
  return make_task_error({kind, failed.error_type, failed.error_text, plan.stages()[0].function, failed.worker,
                          failed.attempt});
}

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

// Of a task that is a batch of elements, in which those that fail do not harm the others.
TaskOptions where_and_when(const TaskOptions& options) {
  TaskOptions of_batch;
  of_batch.priority = options.priority;
  of_batch.worker = options.worker;
  of_batch.resources = options.resources;
  return of_batch;
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

// The stream goes, and with it all that could want any of this.
void cancel_all(const PortPtr& port, const std::vector<CellPtr>& cells) {
  for (CellPtr cell : cells) {
    for (; cell; cell = cell->followed()) port->cancel(cell);
  }
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

// ---- accumulate ---------------------------------------------------------------------------------

RemoteAccumulateNode::RemoteAccumulateNode(Place place, PortPtr port, Stage stage, const TaskOptions& options,
                                           std::optional<std::string> start)
    : Operator(std::move(place), "accumulate"),
      port_(std::move(port)),
      plan_(port_->make_plan({std::move(stage)}, where_and_when(options))),
      state_(std::move(start)) {
  cannot_be_destroyed();
  queue_ = std::make_shared<OrderedQueue>(
      [loop = port_->loop(), pump = while_alive([this] { pump(); })] { loop->post(pump); });
}

RemoteAccumulateNode::~RemoteAccumulateNode() {
  cancel_all(port_, queue_->abandon());
  if (busy_) port_->cancel(task_);
}

void RemoteAccumulateNode::receive(RemoteElement element, Delivery&) {
  auto ticket = element.ticket;
  queue_->push(std::move(ticket), settle_later(port_, std::move(element), Want::kAnywhere));
}

void RemoteAccumulateNode::reset(std::string state) { queue_->push_mark(std::move(state)); }

void RemoteAccumulateNode::end_now(Delivery& delivery) { queue_->push_end(delivery.hold()); }

void RemoteAccumulateNode::pump() {
  while (!busy_ && collect()) run_batch();
}

// Takes what is ready into the batch; false when nothing is.
bool RemoteAccumulateNode::collect() {
  if (next_state_) state_ = std::exchange(next_state_, std::nullopt);
  std::size_t bytes = 0;
  while (batch_.size() < kBatchElements && bytes < kBatchBytes) {
    auto item = queue_->pop();
    if (!item) break;
    if (item->mark) {
      (batch_.empty() ? state_ : next_state_) = std::string(item->cell->outcome().bytes());
      if (batch_.empty()) continue;
      break;
    }
    if (item->cell && is_dropped(item->cell->outcome())) continue;
    if (item->cell) {
      bytes += item->cell->outcome().size() + (state_ ? state_->size() : 0);
      observe(item->ticket, item->cell->outcome());
    }
    batch_.push_back(std::move(*item));
  }
  return !batch_.empty();
}

void RemoteAccumulateNode::run_batch() {
  std::vector<CellPtr> elements;
  for (const auto& item : batch_) {
    if (item.cell && !item.cell->outcome().error) elements.push_back(item.cell);
  }
  if (elements.empty()) return finish_batch(nullptr, {});
  const std::size_t count = elements.size();
  Encoded input;
  AccumulateBatchWriter batch(state_.value_or(""), state_.has_value(), count, input.bytes);
  for (const CellPtr& element : elements) {
    const Outcome& outcome = element->outcome();
    if (outcome.kept.empty()) {
      batch.add(outcome.bytes());
    } else {
      batch.announce();
      input.add(outcome);
    }
  }
  const bool elsewhere = !input.kept.empty();
  // What has parts on workers travels in messages, and not through shared memory.
  if (elsewhere && state_ && state_->size() > kLargeState) return bring_batch();
  busy_ = true;
  task_ = port_->submit(plan_, std::move(input), Want::kHere);
  task_->watch([loop = port_->loop(), finish = while_alive([this, count, elsewhere] {
                 busy_ = false;
                 const auto done = std::move(task_);
                 AccumulateOutput output;
                 auto error = read(done->outcome(), *plan_, count, output);
                 // Perhaps of one element that was lost and could not be made again.
                 if (error && elsewhere) return bring_batch();
                 finish_batch(std::move(error), std::move(output));
                 pump();
               })]() mutable { loop->post(std::move(finish)); });
}

// Reads its elements one after the other, and runs it with those.
void RemoteAccumulateNode::bring_batch() {
  busy_ = true;
  const auto is_elsewhere = [](const OrderedQueue::Item& item) {
    return item.cell && !item.cell->outcome().kept.empty();
  };
  const auto item = std::find_if(batch_.begin(), batch_.end(), is_elsewhere);
  if (item == batch_.end()) {
    busy_ = false;
    run_batch();
    return pump();
  }
  task_ = here(port_, item->cell);
  task_->watch([loop = port_->loop(), next = while_alive([this, i = item - batch_.begin()] {
                 batch_[static_cast<std::size_t>(i)].cell = std::move(task_);
                 bring_batch();
               })]() mutable { loop->post(std::move(next)); });
}

void RemoteAccumulateNode::finish_batch(std::exception_ptr error, AccumulateOutput output) {
  if (!error && !output.state.empty()) state_ = std::move(output.state);
  std::size_t next = 0;
  for (auto& item : std::exchange(batch_, {})) {
    if (!item.cell || item.cell->outcome().error) {
      pass_on(item, {item.ticket, {}, item.cell, nullptr});
    } else if (error) {
      pass_on(item, {item.ticket, {}, failed_cell(error), nullptr});
    } else if (auto& result = output.items[next++]; result.ok) {
      pass_on(item, {item.ticket, std::move(result.value), nullptr, nullptr});
    } else {
      pass_on(item, {item.ticket, {}, failed_cell(error_of(result, *plan_)), nullptr});
    }
  }
}

void RemoteAccumulateNode::pass_on(OrderedQueue::Item& item, RemoteElement element) {
  if (!item.cell) return end_down(item.delivery);
  deliver(*this, token_of(item.ticket), [&](Delivery& d) { push_down(std::move(element), d); }, [] {});
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

// ---- keyed accumulate ---------------------------------------------------------------------------

RemoteKeyedAccumulateNode::RemoteKeyedAccumulateNode(Place place, PortPtr port, Stage stage,
                                                     const TaskOptions& options, std::string start,
                                                     std::size_t max_keys)
    : Operator(std::move(place), "keyed_accumulate"),
      port_(std::move(port)),
      plan_(port_->make_plan({std::move(stage)}, where_and_when(options))),
      start_(std::move(start)),
      max_keys_(max_keys) {
  cannot_be_destroyed();
}

// Who waits for a result must not wait for ever.
RemoteKeyedAccumulateNode::~RemoteKeyedAccumulateNode() {
  const auto gone = make_task_error(
      {TaskErrorKind::kCancelled, "", "its stream is gone", plan_->stages()[0].function, "", 0});
  for (auto& [key, chain] : std::exchange(chains_, {})) {
    if (chain.task) port_->cancel(chain.task);
    for (const auto& result : chain.running) result->settle({"", gone, {}});
    for (const auto& waiting : chain.waiting) waiting.result->settle({"", gone, {}});
  }
}

void RemoteKeyedAccumulateNode::receive(const KeyedElement& keyed, Delivery& delivery) {
  auto result = std::make_shared<Cell>();
  Chain& chain = chain_of(keyed.key);
  chain.waiting.push_back({std::string(keyed.element.cell->outcome().bytes()), result});
  if (!chain.busy) run(keyed.key, chain);
  push_down(RemoteElement{keyed.element.ticket, {}, std::move(result), nullptr}, delivery);
}

// Beyond max_keys, keys with nothing on its way are forgotten.
RemoteKeyedAccumulateNode::Chain& RemoteKeyedAccumulateNode::chain_of(const std::string& key) {
  const auto found = chains_.find(key);
  if (found != chains_.end()) return found->second;
  while (chains_.size() >= max_keys_ && !idle_.empty()) {
    chains_.erase(idle_.front());
    idle_.pop_front();
  }
  Chain& chain = chains_[key];
  chain.state = start_;
  chain.idle = idle_.insert(idle_.end(), key);
  return chain;
}

void RemoteKeyedAccumulateNode::run(const std::string& key, Chain& chain) {
  if (!chain.busy) idle_.erase(chain.idle);
  chain.busy = true;
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < chain.waiting.size() && count < kBatchElements && bytes < kBatchBytes; ++count) {
    bytes += chain.waiting[count].value.size() + chain.state.size();
  }
  std::string bytes;
  AccumulateBatchWriter batch(chain.state, true, count, bytes);
  for (std::size_t i = 0; i < count; ++i) {
    batch.add(chain.waiting[i].value);
    chain.running.push_back(std::move(chain.waiting[i].result));
  }
  chain.waiting.erase(chain.waiting.begin(), chain.waiting.begin() + static_cast<std::ptrdiff_t>(count));
  chain.task = port_->submit(plan_, std::move(bytes), Want::kHere, chain.worker);
  chain.task->watch(
      [loop = port_->loop(), finish = while_alive([this, key] { finished(key); })]() mutable {
        loop->post(std::move(finish));
      });
}

WorkerNamePtr RemoteKeyedAccumulateNode::shared(std::string name) {
  constexpr std::size_t kMost = 1024;
  if (workers_.size() >= kMost) workers_.clear();  // they come and go under new names
  WorkerNamePtr& pointer = workers_[name];
  if (!pointer) pointer = std::make_shared<const std::string>(std::move(name));
  return pointer;
}

void RemoteKeyedAccumulateNode::finished(const std::string& key) {
  Chain& chain = chains_.at(key);
  const auto results = std::exchange(chain.running, {});
  AccumulateOutput output;
  const auto error = read(std::exchange(chain.task, nullptr)->outcome(), *plan_, results.size(), output);
  if (!error) chain.state = std::move(output.state);
  if (!output.worker.empty()) chain.worker = shared(std::move(output.worker));
  if (chain.waiting.empty()) {
    chain.busy = false;
    chain.idle = idle_.insert(idle_.end(), key);
  } else {
    run(key, chain);
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (error) {
      results[i]->settle({"", error, {}});
    } else {
      const AccumulateItem& item = output.items[i];
      // The encoding of a pair: one after the other.
      results[i]->settle(item.ok ? Outcome{key + item.value, nullptr, {}}
                                 : Outcome{"", error_of(item, *plan_), {}});
    }
  }
}

}  // namespace penstock::detail
