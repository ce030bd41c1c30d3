// Who is told when an asynchronous call is over.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <exception>
#include <type_traits>
#include <utility>

#include "penstock/detail/delivery.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

// Where a handler runs that has no executor of its own: on `loop`, or on Asio's system executor.
asio::any_io_executor completion_executor(Loop* loop);

// Posts the call to the executor, which has work until then. Not a template for what most handlers get: it
// takes seconds to compile.
Delivery::Done posted_to(const asio::any_io_executor& executor, Delivery::Done handler);
template <class Executor, class Handler>
Delivery::Done posted_to(const Executor& executor, Handler handler) {
  return [work = asio::prefer(executor, asio::execution::outstanding_work.tracked),
          handler = std::move(handler)](std::exception_ptr error) mutable {
    asio::post(work, [handler = std::move(handler), error = std::move(error)]() mutable {
      std::move(handler)(std::move(error));
    });
  };
}

// A completion token's handler, to be told once, by one of these. It runs on its own associated executor,
// else on completion_executor(loop).
class Completion {
 public:
  template <class Handler>
  Completion(Handler handler, Loop* loop) {
    const auto usual = completion_executor(loop);
    const auto executor = asio::get_associated_executor(handler, usual);
    if constexpr (std::is_same_v<decltype(executor), const asio::any_io_executor>) {
      tell_ = std::move(handler);
      if (loop != nullptr && executor == usual) {
        loop_ = loop;
      } else {
        tell_ = posted_to(executor, std::move(tell_));
      }
    } else {
      tell_ = posted_to(executor, std::move(handler));
    }
  }

  // In a callback of the loop that does nothing after it: at once, when the handler belongs to the loop.
  void tell_here(std::exception_ptr error) && { std::move(tell_)(std::move(error)); }
  // On the loop's thread.
  void tell_later(std::exception_ptr error) &&;
  // For any thread, and any time: until then there is work on the handler's executor.
  Delivery::Done until_later() &&;

 private:
  Loop* loop_ = nullptr;  // which the handler belongs to; null: tell_ posts it to where it belongs
  Delivery::Done tell_;
};

}  // namespace penstock::detail
