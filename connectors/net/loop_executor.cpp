#include "connectors/net/loop_executor.hpp"

#include <boost/asio/execution_context.hpp>
#include <utility>

namespace penstock::net {
namespace {

namespace execution = boost::asio::execution;

// Never destroyed: what is still open when the program ends must not be handed to loops that have gone.
boost::asio::execution_context& reactor() {
  static auto* const context = new boost::asio::execution_context;
  return *context;
}

class LoopExecutor {
 public:
  explicit LoopExecutor(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}

  boost::asio::execution_context& query(execution::context_t) const noexcept { return reactor(); }
  static constexpr execution::blocking_t query(execution::blocking_t) noexcept {
    return execution::blocking.never;
  }
  LoopExecutor require(execution::blocking_t::never_t) const { return *this; }

  template <class Function>
  void execute(Function function) const {
    loop_->post(std::move(function));
  }

  friend bool operator==(const LoopExecutor& a, const LoopExecutor& b) noexcept {
    return a.loop_ == b.loop_;
  }
  friend bool operator!=(const LoopExecutor& a, const LoopExecutor& b) noexcept { return !(a == b); }

 private:
  std::shared_ptr<Loop> loop_;
};

}  // namespace

boost::asio::any_io_executor executor_of(std::shared_ptr<Loop> loop) {
  return LoopExecutor(std::move(loop));
}

}  // namespace penstock::net
