// The node of a source whose body is a coroutine on the graph's loop.
#pragma once

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <atomic>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "penstock/detail/decoupled.hpp"
#include "penstock/detail/source_control.hpp"
#include "penstock/emitter.hpp"
#include "penstock/detail/stream_class.hpp"

namespace penstock::detail {

// Runs body(emitter) from start() until it returns, which ends the stream, or until stop(), which cancels
// it; the next start() runs it anew. What it throws obeys the node's policy, and the source stands still.
// While it runs the source keeps its graph, and the coroutine the node. A drain() after a stop() waits until
// the body has ended.
template <class T>
class CoroutineSource : public NodeBase, public Outlet<T>, public SourceControl {
 public:
  using Body = absl::AnyInvocable<asio::awaitable<void>(Emitter<T>)>;

  // Of a finite one drain() waits for the end; of others, for what was emitted.
  struct Options {
    LoopRef loop = {};
    bool finite = false;
  };

  CoroutineSource(Place place, const char* kind, Body body, const Options& options)
      : NodeBase(std::move(place), kind), body_(std::move(body)), finite_(options.finite) {
    if (options.loop) need_loop(options.loop);
  }
  NodeBase& node() override { return *this; }

  void start_source() override {
    wanted_ = true;
    need_loop({}).post(while_alive([this, hold = GraphHold(graph()),
                                    flight = finite_ ? Flight(graph()) : Flight()]() mutable {
      begin(std::move(flight));
    }));
  }
  void stop_source() override {
    wanted_ = false;
    if (loop() == nullptr) return;  // it never started
    loop()->post(while_alive([this, hold = GraphHold(graph()), flight = Flight(graph())]() mutable {
      if (!wanted_) cancel(std::move(flight));
    }));
  }
  void dismantle() override {
    wanted_ = false;
    cancel({});
  }

  // ---- for the emitter ----
  asio::awaitable<void> emit(T value, Token token) {
    if (this->life()->closed()) throw std::system_error(asio::error::operation_aborted);
    Delivery delivery(std::move(token));
    guarded(*this, delivery, [&] { this->push_down(std::move(value), delivery); });
    if (!delivery.immediate()) {
      co_await over(std::move(delivery));
    } else {
      if (auto error = delivery.take_error()) graph()->report(std::move(error));
      if (++in_a_row_ % kInARow == 0) co_await asio::post(loop()->executor(), asio::use_awaitable);
    }
    // A stop meanwhile must show here: the next emit() would throw before it has sent its element, and the
    // body could not know.
    if (!wanted_) cancel(Flight(graph()));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      throw std::system_error(asio::error::operation_aborted);
    }
  }

  void report(std::exception_ptr error) {
    Delivery delivery;
    handle_error(std::move(error), delivery);
    report_when_over(*this, std::move(delivery));
  }

 private:
  static constexpr unsigned kInARow = 32;  // elements; then whatever else the loop has to do

  void on_close() override { cancel(Flight(graph())); }

  // Not before the element that the last run left on its way is delivered: delivered() begins then.
  void begin(Flight flight) {
    if (running_ || delivering_ || !wanted_ || this->life()->closed()) return;
    auto self = life()->pin();
    if (!self) return;
    running_ = true;
    stopped_ = false;
    cancel_.emplace();
    asio::co_spawn(loop()->executor(), body_(Emitter<T>(*this)),
                   asio::bind_cancellation_slot(
                       cancel_->slot(), [this, self = std::move(self), hold = GraphHold(graph()),
                                         flight = std::move(flight)](std::exception_ptr error) mutable {
                         ended(std::move(error), std::move(flight));
                       }));
  }

  void cancel(Flight flight) {
    if (!running_ || stopped_) return;
    stopped_ = true;
    stopping_ = std::move(flight);
    cancel_->emit(asio::cancellation_type::terminal);
  }

  void ended(std::exception_ptr error, Flight flight) {
    const Flight stopping = std::move(stopping_);
    running_ = false;
    if (stopped_ || this->life()->closed()) {
      if (error && !is_abort(error)) report(std::move(error));
      if (wanted_ && !life()->destroyed()) begin(std::move(flight));  // started again meanwhile
      return;
    }
    wanted_ = false;
    if (error) return report(std::move(error));
    this->close();
    Delivery delivery;
    this->end_down(delivery);
    std::move(delivery).finish([graph = graph(), flight = std::move(flight)](std::exception_ptr failed) {
      if (failed) graph->report(std::move(failed));
    });
  }

  void delivered() {
    delivering_ = false;
    if (!running_ && wanted_) begin(finite_ ? Flight(graph()) : Flight());
  }

  static bool is_abort(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::system_error& exception) {
      return exception.code() == asio::error::operation_aborted;
    } catch (...) {
      return false;
    }
  }

  // Awaits the end of a delivery.
  asio::awaitable<void> over(Delivery delivery) {
    auto initiate = [this, delivery = std::move(delivery)](auto handler) mutable {
      auto wait = std::make_shared<Wait<decltype(handler)>>(std::move(handler));
      wait->allow_cancellation([] {});
      delivering_ = true;
      auto delivered = while_alive([this, flight = Flight(graph())]() mutable { this->delivered(); });
      std::move(delivery).finish([wait, loop = place().domain->shared_loop(), graph = graph(),
                                  delivered = std::move(delivered)](std::exception_ptr error) mutable {
        if (error) graph->report(std::move(error));
        auto& on = *loop;
        on.post([wait = std::move(wait), delivered = std::move(delivered)]() mutable {
          delivered();
          { const auto over = std::move(delivered); }  // with its flight
          wait->complete();
        });
      });
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(std::error_code)>(
        std::move(initiate), asio::use_awaitable);
  }

  Body body_;
  const bool finite_;
  std::atomic<bool> wanted_{false};
  bool running_ = false;  // these on the loop's thread only
  bool stopped_ = false;
  bool delivering_ = false;
  Flight stopping_;  // from the stop until the body has ended
  unsigned in_a_row_ = 0;
  std::optional<asio::cancellation_signal> cancel_;  // of the body that runs
};

}  // namespace penstock::detail
