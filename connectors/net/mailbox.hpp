// From the connections of a server to the coroutine of its source, which emits one element after the
// other.
#pragma once

#include "connectors/net/boost_asio.hpp"

#include <asio/awaitable.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace penstock::net {

// Holds one letter of each connection at most, since a connection waits for its delivery. On the loop's
// thread only.
template <class T>
class Mailbox {
 public:
  struct Letter {
    std::vector<T> values;
    std::vector<std::exception_ptr> errors;  // to report
    absl::AnyInvocable<void()> delivered;
  };

  // Letters that are not delivered yet.
  std::size_t waiting() const { return letters_.size() + in_hand_; }

  // ---- for connections ----

  // Completes when the stream has taken the values. Never, once the mailbox is closed: the coroutine is
  // destroyed then.
  boost::asio::awaitable<void> deliver(std::vector<T> values, std::vector<std::exception_ptr> errors = {}) {
    if (closed_) throw boost::system::system_error(boost::asio::error::operation_aborted);
    auto initiate = [this, values = std::move(values), errors = std::move(errors)](auto handler) mutable {
      put({std::move(values), std::move(errors), [handler = std::move(handler)]() mutable {
             auto executor = boost::asio::get_associated_executor(handler);
             boost::asio::post(executor, std::move(handler));
           }});
    };
    using Token = const boost::asio::use_awaitable_t<>;
    return boost::asio::async_initiate<Token, void()>(std::move(initiate), boost::asio::use_awaitable);
  }

  // Waits for nothing: for what is rare.
  void report(std::exception_ptr error) {
    if (!closed_) put({{}, {std::move(error)}, [] {}});
  }

  // ---- for the source ----

  // `wake` belongs to the source's coroutine, so that what waits in take() goes with the loop.
  explicit Mailbox(asio::steady_timer& wake) : wake_(&wake) {}

  // The next letter, in hand until `delivered` is called.
  asio::awaitable<Letter> take() {
    while (letters_.empty()) {
      std::error_code ignored;
      co_await wake_->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) {
        throw std::system_error(asio::error::operation_aborted);
      }
    }
    Letter letter = std::move(letters_.front());
    letters_.pop_front();
    in_hand_ = 1;
    co_return letter;
  }
  void delivered(Letter letter) {
    in_hand_ = 0;
    letter.delivered();
  }

  // Drops what is in it.
  void close() {
    closed_ = true;
    wake_ = nullptr;
    std::exchange(letters_, {}).clear();
  }

 private:
  void put(Letter letter) {
    letters_.push_back(std::move(letter));
    wake_->cancel();
  }

  asio::steady_timer* wake_;
  std::deque<Letter> letters_;
  std::size_t in_hand_ = 0;
  bool closed_ = false;
};

}  // namespace penstock::net
