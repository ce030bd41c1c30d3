#include "penstock/detail/call_arguments.hpp"

#include <atomic>
#include <memory>

#include "penstock/task_error.hpp"

namespace penstock::detail {
namespace {

using Pieces = std::vector<CallArguments::Piece>;

// Submits when the last of the pieces is there.
class Waiting : public std::enable_shared_from_this<Waiting> {
 public:
  Waiting(PortPtr port, PlanPtr plan, Pieces pieces, Few<std::shared_ptr<const void>> uses)
      : port_(port),
        plan_(std::move(plan)),
        pieces_(std::move(pieces)),
        uses_(std::move(uses)),
        expected_(port->expect_task(bytes())) {}

  CellPtr start() {
    for (const auto& piece : pieces_) missing_ += piece.cell != nullptr;
    for (const auto& piece : pieces_) {
      if (piece.cell) {
        piece.cell->watch([self = shared_from_this()] {
          if (--self->missing_ == 0) self->submit();
        });
      }
    }
    return result_;
  }

 private:
  void submit() {
    const auto expected = std::move(expected_);  // until it is submitted
    if (result_->settled()) return;             // cancelled
    Encoded input;
    input.uses = uses_;
    for (const auto& piece : pieces_) {
      // Not with what the argument's task was made of: this one never ran.
      if (piece.cell && piece.cell->outcome().error) {
        return result_->settle({"", piece.cell->outcome().error, {}});
      }
      if (piece.cell) {
        input.add(piece.cell->outcome());
      } else {
        input.bytes += piece.bytes;
      }
    }
    const auto port = port_.lock();
    if (!port) {
      return result_->settle({"", make_task_error({TaskErrorKind::kCancelled, "", "the client is gone",
                                                   plan_->stages()[0].function, "", 0}), {}});
    }
    auto cell = port->submit(plan_, std::move(input), Want::kAnywhere);
    cell->watch([cell, result = result_] { result->settle(cell->outcome()); });
    result_->watch([cell, weak = port_] {
      const auto alive = weak.lock();
      if (alive && !cell->settled()) alive->cancel(cell);
    });
  }

  // Those that are here.
  std::size_t bytes() const {
    std::size_t all = 0;
    for (const auto& piece : pieces_) all += piece.bytes.size();
    return all;
  }

  const std::weak_ptr<TaskPort> port_;  // futures do not keep their client
  const PlanPtr plan_;
  const Pieces pieces_;
  const Few<std::shared_ptr<const void>> uses_;
  std::shared_ptr<void> expected_;
  const CellPtr result_ = std::make_shared<Cell>();
  std::atomic<std::size_t> missing_{0};
};

}  // namespace

CellPtr submit_with(const PortPtr& port, const PlanPtr& plan, CallArguments arguments) {
  Pieces pieces = arguments.take();
  if (pieces.size() == 1) {
    Encoded input(std::move(pieces.front().bytes));
    input.uses = arguments.take_uses();
    auto cell = port->submit(plan, std::move(input), Want::kAnywhere);
    note_submitted(port, cell);
    return cell;
  }
  auto cell = std::make_shared<Waiting>(port, plan, std::move(pieces), arguments.take_uses())->start();
  note_submitted(port, cell);
  return cell;
}

}  // namespace penstock::detail
