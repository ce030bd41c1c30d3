// Running values whose function is on workers: one for all elements, or one for each key.
#include <algorithm>
#include <string_view>
#include <utility>

#include "client/remote_outcome.hpp"
#include "penstock/detail/remote_nodes.hpp"

namespace penstock::detail {
namespace {

// One task takes at most so many elements of an accumulate, so that others get their turn; and so many bytes
// of elements and of what may come back for them, a state each.
constexpr std::size_t kBatchElements = 4096;
constexpr std::size_t kBatchBytes = 4 << 20;

// Beyond, elements come here too.
constexpr std::size_t kLargeState = 256 << 10;

// Reads what a task over so many elements left.
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

// Of a task that is a batch of elements, in which those that fail do not harm the others.
TaskOptions where_and_when(const TaskOptions& options) {
  TaskOptions of_batch;
  of_batch.priority = options.priority;
  of_batch.worker = options.worker;
  of_batch.resources = options.resources;
  return of_batch;
}

}  // namespace

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
