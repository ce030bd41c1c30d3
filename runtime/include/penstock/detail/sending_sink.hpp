// The base of sinks that hand elements to something outside, which tells later what became of them: a
// broker, a socket.
#pragma once

#include <any>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "penstock/detail/decoupled.hpp"
#include "penstock/nodes/sink.hpp"

namespace penstock::detail {

// At most `window` elements are on their way. emit() returns when the element is, and waits for a place;
// token and drain() wait until it has arrived. The end of the stream waits for all. An element that did
// not arrive obeys the node's policy, retry included: it is then sent behind those that went out meanwhile.
//
// Derived writes
//   void send(const T& value, Sent sent);   // on the node's thread; `value` stays until `sent` is called
// and calls `sent` once, on any thread. One that is dropped uncalled counts as not arrived; when send() dropped
// it because it threw, what it threw is the error.
template <class Derived, class T>
class SendingSink : public Operator<Derived, T, Nothing> {
 protected:
  struct Item {
    Flight flight;  // ends last: who has drained finds that all tokens are released
    T value;
    Token token;
    unsigned failed = 0;
  };

 public:
  // One element on its way.
  class Sent {
   public:
    Sent(SendingSink& sink, std::unique_ptr<Item> item)
        : sink_(&sink),
          life_(sink.life()),
          loop_(sink.place().domain->shared_loop()),
          item_(std::move(item)) {}
    Sent(Sent&&) noexcept = default;
    Sent& operator=(Sent&&) = delete;
    ~Sent() {
      if (item_) (*this)(std::make_exception_ptr(Error("the element was not sent")));
    }

    // With the error, or null.
    void operator()(std::exception_ptr error) {
      WhileAlive over(life_, [sink = sink_, item = std::move(item_), error = std::move(error)]() mutable {
        sink->over(std::move(item), std::move(error));
      });
      if (loop_->on_loop_thread()) {
        over();
      } else {
        loop_->post(std::move(over));
      }
    }

   private:
    SendingSink* sink_;
    Shared<NodeLife> life_;
    std::shared_ptr<Loop> loop_;
    std::unique_ptr<Item> item_;
  };

  SendingSink(NodeBase::Place place, const char* kind, std::size_t window)
      : Operator<Derived, T, Nothing>(std::move(place), kind), window_(window) {}

  void start() override { this->need_loop({}); }

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    auto item = std::make_unique<Item>(
        Item{Flight(this->graph()), keep<T>(std::forward<U>(value)), delivery.token()});
    if (on_their_way_ < window_ && waiting_.empty()) return send_item(std::move(item));
    waiting_.push_back({std::move(item), delivery.hold()});
  }

  void end_now(Delivery& delivery) override {
    if (on_their_way_ > 0 || !waiting_.empty()) end_ = delivery.hold();
  }

  void dismantle() override {
    waiting_.clear();
    end_.reset();
  }

 private:
  struct Waiting {
    std::unique_ptr<Item> item;
    Delivery delivery;  // of the emit that waits for a place
  };

  // The element whose send() runs, and what was told of it meanwhile.
  struct Sending {
    const Item* element;
    std::unique_ptr<Item> over = {};
    std::exception_ptr error = {};
  };

  void send_item(std::unique_ptr<Item> item) {
    ++on_their_way_;
    const T& value = item->value;  // stays where it is: the item moves as a pointer
    Sending sending{item.get()};
    Sending* const around = std::exchange(sending_, &sending);
    std::exception_ptr thrown;
    try {
      static_cast<Derived&>(*this).send(value, Sent(*this, std::move(item)));
    } catch (...) {
      thrown = std::current_exception();
    }
    sending_ = around;
    if (!sending.over) return;
    if (thrown && sending.error) sending.error = std::move(thrown);
    over_later(std::move(sending.over), std::move(sending.error));
  }

  // What is told at once is told later: a row of these would go as deep as it is long.
  void over_later(std::unique_ptr<Item> item, std::exception_ptr error) {
    this->loop()->post(
        this->while_alive([this, item = std::move(item), error = std::move(error)]() mutable {
          over(std::move(item), std::move(error));
        }));
  }

  void over(std::unique_ptr<Item> item, std::exception_ptr error) {
    if (sending_ != nullptr && sending_->element == item.get()) {
      sending_->over = std::move(item);
      sending_->error = std::move(error);
      return;
    }
    if (sending_ != nullptr) return over_later(std::move(item), std::move(error));
    --on_their_way_;
    if (error) failed(std::move(item), std::move(error));
    item.reset();
    while (on_their_way_ < window_ && !waiting_.empty()) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      send_item(std::move(next.item));
    }
    if (on_their_way_ == 0 && waiting_.empty()) end_.reset();
  }

  void failed(std::unique_ptr<Item> item, std::exception_ptr error) {
    const ErrorPolicy::Retry retry = this->retry();
    if (++item->failed <= retry.times) {
      const auto pause = pause_after(retry.pause, item->failed);
      ++on_their_way_;
      this->loop()->call_at(this->loop()->now() + pause,
                            this->while_alive([this, item = std::move(item)]() mutable {
                              --on_their_way_;
                              send_item(std::move(item));
                            }));
      return;
    }
    Delivery delivery(item->token);
    std::any element;
    if constexpr (kRetriable<T>) {
      if (this->is_careful()) element = std::move(item->value);
    }
    this->give_up(std::move(error), std::move(element), delivery);
    report_when_over(*this, std::move(delivery));
  }

  const std::size_t window_;
  std::size_t on_their_way_ = 0;
  Sending* sending_ = nullptr;
  std::deque<Waiting> waiting_;  // as many as there are emits in progress
  std::optional<Delivery> end_;
};

}  // namespace penstock::detail
