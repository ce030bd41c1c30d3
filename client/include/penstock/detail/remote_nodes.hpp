// The nodes of the distributed part, without types: elements are encoded, functions are stages. They run
// none of the user's functions, so they may run on any thread.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/node.hpp"
#include "penstock/detail/ordered_queue.hpp"
#include "penstock/detail/remote_element.hpp"
#include "penstock/detail/scatter_gate.hpp"
#include "penstock/task.hpp"

namespace penstock::detail {

using RemoteOutlet = Outlet<RemoteElement>;

// Stage of a task type, for the wire. Throws Error when its module has no build-id.
Stage stage_of(const StageSpec& spec);

// Adds its stage to what is to be done with the element.
class RemoteMapNode : public Operator<RemoteMapNode, RemoteElement, RemoteElement> {
 public:
  RemoteMapNode(Place place, const char* kind, PortPtr port, Stage stage)
      : Operator(std::move(place), kind), port_(std::move(port)), stage_(std::move(stage)) {
    cannot_be_destroyed();
  }

  void receive(RemoteElement element, Delivery& delivery);

  // For the elements that come from now on.
  void set_options(TaskOptions options);

 private:
  PlanPtr extended(const PlanPtr& plan);
  bool belongs_to(const Plan& plan);
  void run_for_its_effect(RemoteElement element);

  const PortPtr port_;
  const Stage stage_;
  std::mutex mutex_;
  TaskOptions options_;
  PlanPtr last_in_;  // plan of the last element, and what it became: nearly always the same
  PlanPtr last_out_;
};

// Submits what is to be done and goes on, in order, on the client's loop: in front of nodes with time.
class RemoteHopNode : public Operator<RemoteHopNode, RemoteElement, RemoteElement> {
 public:
  RemoteHopNode(Place place, PortPtr port)
      : Operator(std::move(place), "hop"), port_(std::move(port)) {
    cannot_be_destroyed();
  }

  void receive(RemoteElement element, Delivery& delivery);

  void end_now(Delivery& delivery) override;

 private:
  const PortPtr port_;
};

// A running value on the workers: one task at a time, over all elements that are ready by then. The
// state travels back with each outcome, so the chain goes on from there whatever dies.
class RemoteAccumulateNode : public Operator<RemoteAccumulateNode, RemoteElement, RemoteElement> {
 public:
  // Of `options` holds what does not depend on the number of elements in a batch: priority, worker, resources.
  RemoteAccumulateNode(Place place, PortPtr port, Stage stage, const TaskOptions& options,
                       std::optional<std::string> start);
  ~RemoteAccumulateNode() override;

  void receive(RemoteElement element, Delivery& delivery);

  void end_now(Delivery& delivery) override;

  // The state for the elements that come from now on. Any thread.
  void reset(std::string state);

 private:
  void pump();
  bool collect();
  void run_batch();
  void bring_batch();
  void finish_batch(std::exception_ptr error, AccumulateOutput output);
  void pass_on(OrderedQueue::Item& item, RemoteElement element);

  const PortPtr port_;
  const PlanPtr plan_;
  std::shared_ptr<OrderedQueue> queue_;
  // On the client's loop only.
  std::optional<std::string> state_;
  std::optional<std::string> next_state_;  // reset behind the batch
  std::vector<OrderedQueue::Item> batch_;
  CellPtr task_;  // while it is busy
  bool busy_ = false;
};

// The base of nodes that look at outcomes: each element when its outcome is there, in order unless told
// otherwise, one after the other, on the node's loop. The next one comes when the one before was delivered.
// What a filter dropped does not come.
class InOrder : public NodeBase, public Receiver<InOrder, RemoteElement> {
 public:
  using By = OrderedQueue::By;

  InOrder(Place place, const char* kind, PortPtr port, By by = By::kArrival, Want want = Want::kHere);
  ~InOrder() override;

  void receive(RemoteElement element, Delivery& delivery);

 protected:
  void all_ended(Delivery& delivery) override;

  // The cell has settled.
  virtual void emit_settled(const TicketPtr& ticket, const CellPtr& cell, Delivery& delivery) = 0;
  virtual void emit_end(Delivery& delivery) = 0;

  // Warns of elements on their way that the graph leaves behind.
  void say_what_is_lost() const;

 private:
  void pump();

  const PortPtr port_;
  const Want want_;  // of large values
  std::shared_ptr<OrderedQueue> queue_;
};

// In front of local nodes that work on futures. Elements that failed go around those nodes, where they may.
class BeforeLocal : public InOrder {
 public:
  // In windows and joins an element may stay for long: it has no place in the scatter's window then.
  enum class Places { kKept, kGivenUp };

  void pass_errors_to(RemoteOutlet& around) { around_ = &around; }

 protected:
  BeforeLocal(Place place, const char* kind, PortPtr port, Places places, Want want)
      : InOrder(std::move(place), kind, std::move(port), By::kArrival, want), places_(places) {}

  // What an element has in the local nodes.
  TicketPtr kept(const TicketPtr& ticket) const { return places_ == Places::kKept ? ticket : nullptr; }
  bool goes_around(const Outcome& outcome) const { return around_ != nullptr && outcome.error; }
  void push_around(const TicketPtr& ticket, CellPtr failed, Delivery& delivery) {
    around_->push_down(RemoteElement{ticket, {}, std::move(failed), nullptr}, delivery);
  }

 private:
  const Places places_;
  RemoteOutlet* around_ = nullptr;
};

// Passes futures on.
class RemoteSettledNode : public BeforeLocal, public RemoteOutlet {
 public:
  RemoteSettledNode(Place place, PortPtr port, Places places)
      : BeforeLocal(std::move(place), "settled", std::move(port), places, Want::kAnywhere) {}
  NodeBase& node() override { return *this; }

 private:
  void emit_settled(const TicketPtr& ticket, const CellPtr& cell, Delivery& delivery) override;
  void emit_end(Delivery& delivery) override { end_down(delivery); }
};

// Makes elements of the items that flatten_stage() left.
class RemoteFlattenNode : public InOrder, public RemoteOutlet {
 public:
  RemoteFlattenNode(Place place, PortPtr port, std::shared_ptr<ScatterGate> gate)
      : InOrder(std::move(place), "flatten", std::move(port)), room_(Room::create(std::move(gate))) {}
  NodeBase& node() override { return *this; }

 private:
  void emit_settled(const TicketPtr& ticket, const CellPtr& cell, Delivery& delivery) override;
  void emit_end(Delivery& delivery) override { end_down(delivery); }

  const std::shared_ptr<Room> room_;
};

// An element with the encoding of its key, for local nodes with keys.
struct KeyedElement {
  std::string key;
  RemoteElement element;
};
template <>
inline constexpr bool kRetriable<KeyedElement> = false;

// Takes apart what key_stage() left. Errors go around always: they have no key.
class RemoteKeyNode : public BeforeLocal, public Outlet<KeyedElement> {
 public:
  RemoteKeyNode(Place place, PortPtr port, Places places)
      : BeforeLocal(std::move(place), "key", std::move(port), places, Want::kHere) {}
  NodeBase& node() override { return *this; }

 private:
  void emit_settled(const TicketPtr& ticket, const CellPtr& cell, Delivery& delivery) override;
  void emit_end(Delivery& delivery) override { end_down(delivery); }
};

// What a window or a join of futures becomes: one value, whose encoding is that of its parts one after the
// other. All of them have settled; with one that failed it fails.
class Parts {
 public:
  // A container of so many elements.
  static Parts sequence(std::size_t count);
  void add(const RemoteElement& element) {
    value_.add(element.cell->outcome());
    if (!error_) error_ = element.cell->outcome().error;
  }
  void add(const KeyedElement& keyed) { add(keyed.element); }
  template <class V>
  void add(const V& literal) {
    encode(literal, value_.bytes);
  }
  CellPtr take() {
    return std::make_shared<Cell>(
        Outcome{std::move(value_.bytes), std::move(error_), {}, nullptr, std::move(value_.kept)});
  }

 private:
  Encoded value_;
  std::exception_ptr error_;  // of the first part that has one
};

template <class Part>
CellPtr assembled(const std::vector<Part>& parts) {
  Parts all = Parts::sequence(parts.size());
  for (const Part& part : parts) all.add(part);
  return all.take();
}
template <class... Part>
CellPtr assembled(const std::tuple<Part...>& parts) {
  Parts all;
  std::apply([&](const auto&... part) { (all.add(part), ...); }, parts);
  return all.take();
}

// Behind local nodes that work on futures.
template <class Futures>
class RemoteAssembleNode : public Operator<RemoteAssembleNode<Futures>, Futures, RemoteElement> {
 public:
  RemoteAssembleNode(Place place, std::shared_ptr<ScatterGate> gate)
      : Operator<RemoteAssembleNode, Futures, RemoteElement>(std::move(place), "assemble"),
        room_(Room::create(std::move(gate))) {
    this->cannot_be_destroyed();
  }

  void receive(const Futures& futures, Delivery& delivery) {
    this->push_down({room_->admit(delivery.token()), {}, assembled(futures), nullptr}, delivery);
    room_->wait(delivery);
  }

 private:
  const std::shared_ptr<Room> room_;
};

// The element without its key.
class RemoteUnkeyNode : public Operator<RemoteUnkeyNode, KeyedElement, RemoteElement> {
 public:
  explicit RemoteUnkeyNode(Place place) : Operator(std::move(place), "unkey") { cannot_be_destroyed(); }
  void receive(const KeyedElement& keyed, Delivery& delivery) { push_down(keyed.element, delivery); }
};

// A running value for each key: the elements of one key go through one task at a time, those of different
// keys at the same time. The order of the elements is kept. A key stays on its worker until another has nothing to do
// while that is busy: what the function keeps there is found again. Its state comes along all the same.
class RemoteKeyedAccumulateNode : public Operator<RemoteKeyedAccumulateNode, KeyedElement, RemoteElement> {
 public:
  // As above.
  RemoteKeyedAccumulateNode(Place place, PortPtr port, Stage stage, const TaskOptions& options, std::string start,
                            std::size_t max_keys);
  ~RemoteKeyedAccumulateNode() override;

  void receive(const KeyedElement& keyed, Delivery& delivery);

 private:
  struct Waiting {
    std::string value;
    CellPtr result;
  };
  struct Chain {
    std::string state;
    std::vector<Waiting> waiting;
    std::vector<CellPtr> running;  // results of the task that runs
    CellPtr task;
    WorkerNamePtr worker;  // that had the last ones; null: none had
    bool busy = false;
    std::list<std::string>::iterator idle;  // unless it is busy
  };

  Chain& chain_of(const std::string& key);
  void run(const std::string& key, Chain& chain);
  void finished(const std::string& key);
  WorkerNamePtr shared(std::string name);

  const PortPtr port_;
  const PlanPtr plan_;
  const std::string start_;
  const std::size_t max_keys_;
  // On the client's loop only.
  std::unordered_map<std::string, Chain> chains_;
  std::list<std::string> idle_;  // keys; the one not used for the longest time first
  std::unordered_map<std::string, WorkerNamePtr> workers_;  // so that keys share their names
};

}  // namespace penstock::detail
