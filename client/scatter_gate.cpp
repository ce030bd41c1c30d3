#include "penstock/detail/scatter_gate.hpp"

#include <utility>

#include "client/core/window.hpp"

namespace penstock::detail {
namespace {

class Gate;

// Half of what a scheduler sends to a worker with one thread, before it refuses more.
constexpr std::size_t kMostOfOneWorker = 2048;

}  // namespace

class Ticket {
 public:
  Ticket(std::shared_ptr<Gate> gate, std::size_t bytes, std::uint64_t key, Token token)
      : gate_(std::move(gate)), bytes_(bytes), key_(key), token_(std::move(token)) {}
  ~Ticket();
  void observe(Duration run, std::size_t result_bytes);
  const Token& token() const { return token_; }
  std::uint64_t key() const { return key_; }

 private:
  std::shared_ptr<Gate> gate_;
  std::size_t bytes_;
  const std::uint64_t key_;
  Token token_;
};

namespace {

class Gate final : public ScatterGate, public std::enable_shared_from_this<Gate> {
 public:
  Gate(GateLimits limits, PortPtr port, Shared<Graph> graph, Push push, End end, InCycle in_cycle)
      : port_(std::move(port)),
        loop_(port_->loop()),
        graph_(std::move(graph)),
        push_(std::move(push)),
        end_(std::move(end)),
        in_cycle_(std::move(in_cycle)),
        window_({limits.elements, limits.bytes}) {}

  void enter(std::string bytes, std::uint64_t key, Delivery& delivery) override {
    {
      std::lock_guard lock(mutex_);
      if (passing_ || !waiting_.empty() || !window_.has_place(bytes.size())) {
        if (!passing_) full_ = true;
        const bool waits = may_wait(delivery);
        waiting_.push_back({std::move(bytes), key, waits ? delivery.hold() : Delivery(delivery.token()), false});
        return;
      }
      passing_ = true;
      take(bytes.size());
    }
    let_in(std::move(bytes), key, delivery);
    pass_waiting();
  }

  void end(Delivery& delivery) override {
    {
      std::lock_guard lock(mutex_);
      if (passing_ || !waiting_.empty()) {
        waiting_.push_back({{}, 0, delivery.hold(), true});
        return;
      }
    }
    end_(delivery);
  }

  TicketPtr admit(Token token, std::uint64_t key) override {
    {
      std::lock_guard lock(mutex_);
      take(0);
    }
    return std::make_shared<Ticket>(shared_from_this(), 0, key, std::move(token));
  }

  void set_window(std::size_t elements) override {
    std::lock_guard lock(mutex_);
    window_.set_elements(elements);
  }

  void fit_one_worker() override {
    std::lock_guard lock(mutex_);
    window_.set_most(kMostOfOneWorker);
  }

  std::size_t in_window() const override {
    std::lock_guard lock(mutex_);
    return window_.elements();
  }

  std::size_t capacity() const override {
    std::lock_guard lock(mutex_);
    return window_.capacity();
  }

  const std::shared_ptr<Loop>& loop() const override { return loop_; }

  void leave(std::size_t bytes) {
    Flight landed;  // after the lock
    {
      std::lock_guard lock(mutex_);
      window_.release(bytes);
      landed = flight_if_over();
      if (passing_ || waiting_.empty() || !may_pass()) return;
      passing_ = true;
    }
    // Never here: this may be a thread that must not run the graph.
    loop_->post([self = shared_from_this()] {
      if (auto hold = GraphHold::if_alive(self->graph_)) self->pass_waiting();
    });
  }

  void observe(Duration run, std::size_t result_bytes) {
    const unsigned threads = port_->threads();
    std::lock_guard lock(mutex_);
    window_.observe(run, result_bytes, threads);
  }

 private:
  struct Waiting {
    std::string bytes;
    std::uint64_t key;
    Delivery delivery;
    bool end;
  };

  // With the lock held. An outcome that brings its scatter more elements cannot wait for the place that it has itself, or
  // that one behind it has; nor can it when a function that it was given to emits them.
  bool may_wait(const Delivery& delivery) const {
    const Delivery* const outcome = OutcomeDelivery::in_progress();
    return outcome == nullptr || (outcome->id() == delivery.id() && !in_cycle_());
  }

  // A window that was full opens again when a quarter of it is free: an emitting thread then wakes once
  // for many elements and not once for each.
  bool may_pass() const {
    if (full_ && window_.elements() > window_.capacity() * 3 / 4) return false;
    return waiting_.front().end || window_.has_place(waiting_.front().bytes.size());
  }

  void take(std::size_t bytes) {
    if (window_.elements() == 0) flight_ = Flight(graph_);  // a new one first: it may have one still
    window_.take(bytes);
  }

  void let_in(std::string bytes, std::uint64_t key, Delivery& delivery) {
    auto ticket = std::make_shared<Ticket>(shared_from_this(), bytes.size(), key, delivery.token());
    push_({std::move(ticket), std::move(bytes), nullptr, nullptr}, delivery);
  }

  // With the lock held: what waits is on its way too.
  Flight flight_if_over() {
    return window_.elements() == 0 && waiting_.empty() && !passing_ ? std::move(flight_) : Flight();
  }

  // By whoever set passing_: one at a time, so that elements stay in order.
  void pass_waiting() {
    Flight landed;  // after the lock
    while (true) {
      Waiting next;
      {
        std::lock_guard lock(mutex_);
        if (waiting_.empty() || !may_pass()) {
          passing_ = false;
          landed = flight_if_over();
          return;
        }
        full_ = false;
        next = std::move(waiting_.front());
        waiting_.pop_front();
        if (!next.end) take(next.bytes.size());
      }
      if (next.end) {
        end_(next.delivery);
      } else {
        let_in(std::move(next.bytes), next.key, next.delivery);
      }
    }
  }

  const PortPtr port_;
  const std::shared_ptr<Loop> loop_;
  const Shared<Graph> graph_;
  const Push push_;
  const End end_;
  const InCycle in_cycle_;

  mutable std::mutex mutex_;
  client::Window window_;
  std::deque<Waiting> waiting_;  // as many as there are emits in progress, but in cycles
  bool passing_ = false;         // someone is letting elements in
  bool full_ = false;            // someone has waited since a quarter was free
  Flight flight_;                // while something is in the window, or waits
};

}  // namespace

constinit thread_local const Delivery* OutcomeDelivery::current = nullptr;

// The token first: when the place is free, and the graph perhaps drained, the element is gone.
Ticket::~Ticket() {
  token_ = {};
  gate_->leave(bytes_);
}
void Ticket::observe(Duration run, std::size_t result_bytes) { gate_->observe(run, result_bytes); }

const Token& token_of(const TicketPtr& ticket) {
  static const Token none;
  return ticket ? ticket->token() : none;
}

std::uint64_t key_of(const TicketPtr& ticket) { return ticket ? ticket->key() : 0; }

void observe(const TicketPtr& ticket, const Outcome& outcome) {
  if (ticket) ticket->observe(outcome.run, outcome.bytes().size());
}

std::shared_ptr<ScatterGate> ScatterGate::create(GateLimits limits, PortPtr port, Shared<Graph> graph, Push push, End end,
                                                 InCycle in_cycle) {
  return std::make_shared<Gate>(limits, std::move(port), std::move(graph), std::move(push), std::move(end),
                                std::move(in_cycle));
}

TicketPtr Room::admit(Token token, std::uint64_t key) {
  {
    std::lock_guard lock(mutex_);
    ++made_;
  }
  TicketPtr ticket = gate_->admit(std::move(token), key);
  Ticket* const the_same = ticket.get();
  return {the_same, [ticket = std::move(ticket), room = shared_from_this()](Ticket*) mutable {
            ticket.reset();
            room->leave();
          }};
}

void Room::wait(Delivery& delivery) {
  std::lock_guard lock(mutex_);
  if (made_ > gate_->capacity()) waiting_.push_back(delivery.hold());
}

void Room::leave() {
  std::vector<Delivery> over;
  {
    std::lock_guard lock(mutex_);
    --made_;
    if (waiting_.empty() || made_ > gate_->capacity()) return;
    over = std::exchange(waiting_, {});
  }
  // Never here: this may be a thread that must not run the graph.
  gate_->loop()->post([over = std::move(over)]() mutable { over.clear(); });
}

}  // namespace penstock::detail
