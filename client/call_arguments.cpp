#include "penstock/detail/call_arguments.hpp"

#include <atomic>
#include <memory>

namespace penstock::detail {
namespace {

using Pieces = std::vector<CallArguments::Piece>;

// Submits when the last of the pieces is there.
class Waiting : public std::enable_shared_from_this<Waiting> {
 public:
  Waiting(PortPtr port, PlanPtr plan, Pieces pieces)
      : port_(std::move(port)),
        plan_(std::move(plan)),
        pieces_(std::move(pieces)),
        expected_(port_->expect_task()) {}

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
    std::string input;
    for (const auto& piece : pieces_) {
      // Not with what the argument's task was made of: this one never ran.
      if (piece.cell && piece.cell->outcome().error) {
        return result_->settle({"", piece.cell->outcome().error, {}});
      }
      input += piece.cell ? piece.cell->outcome().value : piece.bytes;
    }
    auto cell = port_->submit(plan_, std::move(input));
    cell->watch([cell, result = result_] { result->settle(cell->outcome()); });
    result_->watch([cell, port = port_] {
      if (!cell->settled()) port->cancel(cell);
    });
  }

  const PortPtr port_;
  const PlanPtr plan_;
  const Pieces pieces_;
  std::shared_ptr<void> expected_;
  const CellPtr result_ = std::make_shared<Cell>();
  std::atomic<std::size_t> missing_{0};
};

}  // namespace

CellPtr submit_with(const PortPtr& port, const PlanPtr& plan, CallArguments arguments) {
  Pieces pieces = arguments.take();
  if (pieces.size() == 1) return port->submit(plan, std::move(pieces.front().bytes));
  return std::make_shared<Waiting>(port, plan, std::move(pieces))->start();
}

}  // namespace penstock::detail
