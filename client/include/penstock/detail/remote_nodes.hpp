// The nodes of the distributed part, without types: elements are encoded, functions are stages. They run
// none of the user's functions, so they may run on any thread.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
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

 private:
  PlanPtr extended(const PlanPtr& plan);
  void run_for_its_effect(RemoteElement element);

  const PortPtr port_;
  const Stage stage_;
  std::mutex mutex_;
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
  RemoteAccumulateNode(Place place, PortPtr port, Stage stage, std::optional<std::string> start);
  ~RemoteAccumulateNode() override;

  void receive(RemoteElement element, Delivery& delivery);

  void end_now(Delivery& delivery) override;

 private:
  void pump();
  bool collect();
  void run_batch(std::vector<std::string> elements);
  void finish_batch(const Outcome& outcome);
  void pass_on(OrderedQueue::Item& item, RemoteElement element);

  const PortPtr port_;
  const PlanPtr plan_;
  std::shared_ptr<OrderedQueue> queue_;
  // On the client's loop only.
  std::optional<std::string> state_;
  std::vector<OrderedQueue::Item> batch_;
  bool busy_ = false;
};

// What all gathers share: order, delivery one after the other on the local loop, places.
class GatherBase : public NodeBase, public Receiver<GatherBase, RemoteElement> {
 public:
  GatherBase(Place place, PortPtr port);
  ~GatherBase() override;

  void receive(RemoteElement element, Delivery& delivery);

 protected:
  void all_ended(Delivery& delivery) override;

  // Decodes the value and pushes it down.
  virtual void emit_value(const Outcome& outcome, Delivery& delivery) = 0;
  virtual void emit_end(Delivery& delivery) = 0;

 private:
  void pump();

  const PortPtr port_;
  std::shared_ptr<OrderedQueue> queue_;
};

}  // namespace penstock::detail
