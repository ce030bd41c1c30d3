#include "connectors/net/loop_executor.hpp"

#include <asio/execution_context.hpp>
#include <asio/query.hpp>
#include <boost/asio/execution_context.hpp>
#include <mutex>
#include <utility>

namespace penstock::net {
namespace {

namespace execution = boost::asio::execution;

// Never destroyed: what is still open when the program ends must not be handed to loops that have gone.
boost::asio::execution_context& reactor() {
  static auto* const context = new boost::asio::execution_context;
  return *context;
}

// Whether the context under a loop is still there. Sockets of another reactor do not go with it, and what
// completes there later must not touch it.
struct End {
  std::mutex mutex;
  bool reached = false;
};

class EndService : public asio::execution_context::service {
 public:
  using key_type = EndService;
  static inline asio::execution_context::id id;

  explicit EndService(asio::execution_context& context) : service(context) {}
  const std::shared_ptr<End>& end() const { return end_; }

 private:
  void shutdown() override {
    std::lock_guard lock(end_->mutex);
    end_->reached = true;
  }

  const std::shared_ptr<End> end_ = std::make_shared<End>();
};

std::shared_ptr<End> end_of(Loop& loop) {
  auto& context = asio::query(loop.executor(), asio::execution::context);
  return asio::use_service<EndService>(context).end();
}

class LoopExecutor {
 public:
  explicit LoopExecutor(std::shared_ptr<Loop> loop) : end_(end_of(*loop)), loop_(std::move(loop)) {}

  boost::asio::execution_context& query(execution::context_t) const noexcept { return reactor(); }
  static constexpr execution::blocking_t query(execution::blocking_t) noexcept {
    return execution::blocking.never;
  }
  LoopExecutor require(execution::blocking_t::never_t) const { return *this; }

  template <class Function>
  void execute(Function function) const {
    Loop::Callback callback(std::move(function));  // destroyed outside of the lock when it is too late
    std::lock_guard lock(end_->mutex);
    if (!end_->reached) loop_->post(std::move(callback));
  }

  friend bool operator==(const LoopExecutor& a, const LoopExecutor& b) noexcept {
    return a.loop_ == b.loop_;
  }
  friend bool operator!=(const LoopExecutor& a, const LoopExecutor& b) noexcept { return !(a == b); }

 private:
  std::shared_ptr<End> end_;
  std::shared_ptr<Loop> loop_;
};

}  // namespace

boost::asio::any_io_executor executor_of(std::shared_ptr<Loop> loop) {
  return LoopExecutor(std::move(loop));
}

}  // namespace penstock::net
