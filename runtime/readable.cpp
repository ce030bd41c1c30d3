#include "runtime/readable.hpp"

#include <asio/bind_executor.hpp>
#include <type_traits>
#include <utility>

#include "penstock/detail/wait.hpp"

namespace penstock::detail {
namespace {

using Descriptors = std::vector<asio::posix::stream_descriptor*>;

// What still waits would wake a later wait.
class CancelAll {
 public:
  CancelAll(std::shared_ptr<Loop> loop, const Descriptors& descriptors)
      : loop_(std::move(loop)), descriptors_(descriptors) {}
  CancelAll(const CancelAll&) = delete;
  CancelAll& operator=(const CancelAll&) = delete;
  ~CancelAll() {
    if (timer) loop_->cancel(*timer);
    std::error_code ignored;
    for (auto* descriptor : descriptors_) descriptor->cancel(ignored);
  }

  std::optional<Loop::Timer> timer;

 private:
  const std::shared_ptr<Loop> loop_;
  const Descriptors& descriptors_;
};

// With a timer it is the timer that keeps the wait: a loop that ends lets go of its timers, but a descriptor
// of a loop that is not Asio's would keep the loop.
template <class Kept>
void complete_when_readable(Loop& loop, asio::posix::stream_descriptor& descriptor, Kept wait) {
  descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                        asio::bind_executor(loop.executor(), [wait](const std::error_code&) {
                          if constexpr (requires { wait.lock(); }) {
                            if (const auto self = wait.lock()) self->complete();
                          } else {
                            wait->complete();
                          }
                        }));
}

}  // namespace

asio::awaitable<void> until_readable(std::shared_ptr<Loop> loop, Descriptors descriptors,
                                     std::optional<Duration> longest) {
  CancelAll cancel(loop, descriptors);
  auto initiate = [&loop, &descriptors, &timer = cancel.timer, longest](auto handler) {
    auto wait = std::make_shared<Wait<decltype(handler)>>(std::move(handler));
    if (longest) timer = loop->call_at(loop->now() + *longest, [wait] { wait->complete(); });
    wait->allow_cancellation([] {});
    for (auto* descriptor : descriptors) {
      if (longest) {
        complete_when_readable(*loop, *descriptor, std::weak_ptr(wait));
      } else {
        complete_when_readable(*loop, *descriptor, wait);
      }
    }
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::error_code)>(
      std::move(initiate), asio::use_awaitable);
}

}  // namespace penstock::detail
