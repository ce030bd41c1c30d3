#include "penstock/loop.hpp"

#include <asio/strand.hpp>
#include <condition_variable>
#include <map>
#include <random>
#include <thread>

#include "tests/runtime/stream_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests

std::shared_ptr<Loop> loop_of(LoopRef loop) { return loop.get(); }

// Runs `call` on the loop and waits for it.
template <class Call>
void on(const std::shared_ptr<Loop>& loop, Call call) {
  std::promise<void> done;
  auto future = done.get_future();
  loop->post([&] {
    call();
    done.set_value();
  });
  ASSERT_TRUE(arrives(future));
}

TEST(LoopThread, RunsWhatIsPostedInOrderOnOneThreadOfItsOwn) {
  LoopThread thread;
  std::vector<int> order;
  bool named = false;
  for (int i = 0; i < 100; ++i) thread.loop()->post([&order, i] { order.push_back(i); });
  on(thread.loop(),
     [&] { named = thread.loop()->on_loop_thread() && Loop::current() == thread.loop().get(); });
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_TRUE(named);
  EXPECT_FALSE(thread.loop()->on_loop_thread());
  EXPECT_EQ(Loop::current(), nullptr);
}

TEST(LoopThread, CopiesAreTheSameLoop) {
  LoopThread thread;
  LoopThread copy = thread;
  EXPECT_EQ(loop_of(thread), loop_of(copy));
  EXPECT_NE(loop_of(thread), loop_of(LoopThread()));
}

TEST(LoopThread, DropsWhatIsPostedAndTimedWhenItGoes) {
  const auto token = std::make_shared<int>(0);
  {
    LoopThread thread;
    on(thread.loop(), [&] { thread.loop()->call_at(thread.loop()->now() + 1h, [token] {}); });
    EXPECT_EQ(token.use_count(), 2);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(LoopThread, GoesThoughATimerOfALastStreamIsSet) {
  std::weak_ptr<Loop> loop;
  const auto token = std::make_shared<int>(0);
  {
    LoopThread thread;
    loop = thread.loop();
    Stream<std::shared_ptr<int>> source{LoopRef(thread)};
    source.delay(1h).sink([](const std::shared_ptr<int>&) {});
    source.timed_window(1h).sink([](const std::vector<std::shared_ptr<int>>&) {});
    source.emit(token);
  }
  const auto until = std::chrono::steady_clock::now() + kDeadline;
  while (!loop.expired() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_TRUE(loop.expired());
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Loop, OfAContextThatDiedLetsGoOfItsTimers) {
  std::weak_ptr<Loop> loop;
  {
    auto io = std::make_unique<asio::io_context>();
    Stream<int> source{LoopRef(*io)};
    loop = LoopRef(*io).get();
    source.delay(1h).sink([](int) {});
    source.async_emit(1, [](std::exception_ptr) {});
    io->run_for(10ms);
    io.reset();
  }
  EXPECT_TRUE(loop.expired());
}

TEST(LoopThread, RunsATimerNotBeforeItsTime) {
  LoopThread thread;
  std::promise<Duration> late;
  auto future = late.get_future();
  on(thread.loop(), [&] {
    auto& loop = *thread.loop();
    loop.call_at(loop.now() + 3ms,
                 [&, due = loop.now() + 3ms] { late.set_value(loop.now() - due); });
  });
  ASSERT_TRUE(arrives(future));
  EXPECT_GE(future.get(), 0ns);
}

TEST(Loop, EqualExecutorsShareOne) {
  asio::io_context io;
  asio::io_context other;
  const LoopRef a(io);
  const LoopRef b(io.get_executor());
  const LoopRef c(asio::any_io_executor(io.get_executor()));
  EXPECT_EQ(a.get(), b.get());
  EXPECT_EQ(a.get(), c.get());
  EXPECT_NE(a.get(), LoopRef(other).get());
}

TEST(Loop, AStrandIsOne) {
  asio::io_context io;
  auto strand = asio::make_strand(io);
  const LoopRef a(strand);
  EXPECT_EQ(a.get(), LoopRef(strand).get());
  EXPECT_NE(a.get(), LoopRef(asio::make_strand(io)).get());
  bool inside = false;
  a.get()->post([&] { inside = a.get()->on_loop_thread(); });
  io.run();
  EXPECT_TRUE(inside);
}

TEST(Loop, OfAContextThatDiedIsForgotten) {
  for (int round = 0; round < 3; ++round) {
    asio::io_context io;
    auto strand = asio::make_strand(io);
    int ran = 0;
    const LoopRef loop(strand);
    loop.get()->post([&] { ++ran; });
    io.run();
    EXPECT_EQ(ran, 1);
  }
}

TEST(Loop, MayOutliveItsContext) {
  auto io = std::make_unique<asio::io_context>();
  Stream<int> source{LoopRef(*io)};
  source.delay(1h).sink([](int) {});
  source.async_emit(1, [](std::exception_ptr) {});
  io->run_for(10ms);
  io.reset();  // with a timer armed
}

TEST(Loop, KnowsThatACoroutineOfItsContextRunsOnIt) {
  asio::io_context io;
  const LoopRef loop(io);
  bool inside = false;
  const auto run = [](LoopRef ref, bool* answer) -> asio::awaitable<void> {
    *answer = ref.get()->on_loop_thread();
    co_return;
  };
  asio::co_spawn(io, run(loop, &inside), asio::detached);
  EXPECT_FALSE(loop.get()->on_loop_thread());
  io.run();
  EXPECT_TRUE(inside);
}

TEST(Loop, TimersRunInTheOrderOfTheirTimesAndThenOfTheCalls) {
  VirtualLoop loop;
  const auto impl = loop_of(loop);
  std::vector<std::string> order;
  const auto note = [&](Duration after, const char* name) {
    impl->call_at(impl->now() + after, [&order, name] { order.emplace_back(name); });
  };
  note(2s, "c");
  note(1s, "a");
  note(2s, "d");
  note(1s, "b");
  loop.run();
  EXPECT_THAT(order, ElementsAre("a", "b", "c", "d"));
}

TEST(Loop, KeepsTheOrderOfManyTimersWhileSomeAreCancelled) {
  VirtualLoop loop;
  const auto impl = loop_of(loop);
  std::mt19937 random(1);
  std::map<std::pair<Duration, int>, Loop::Timer> waiting;
  std::vector<int> ran, expected;
  for (int i = 0; i < 2'000; ++i) {
    const Duration after = std::chrono::milliseconds(random() % 100);
    const auto timer = impl->call_at(impl->now() + after, [&ran, i] { ran.push_back(i); });
    waiting.emplace(std::pair(after, i), timer);
    if (i % 3 != 0) continue;
    const auto victim = std::next(waiting.begin(), random() % waiting.size());
    impl->cancel(victim->second);
    waiting.erase(victim);
  }
  for (const auto& [when, timer] : waiting) expected.push_back(when.second);
  loop.run();
  EXPECT_EQ(ran, expected);
}

TEST(Loop, ATimerThatHasRunIsNotTakenForALaterOne) {
  VirtualLoop loop;
  const auto impl = loop_of(loop);
  int ran = 0;
  const auto first = impl->call_at(impl->now(), [&] { ++ran; });
  loop.run();
  impl->call_at(impl->now(), [&] { ++ran; });
  impl->cancel(first);
  loop.run();
  EXPECT_EQ(ran, 2);
}

TEST(Loop, LetsGoOfTheTimersOfADestroyedNodeOnly) {
  VirtualLoop loop;
  Stream<int> source(loop);
  const auto first = source.delay(1s);
  auto out = source.delay(1s).sink_to_vector();
  source.async_emit(1, asio::detached);
  loop.run_pending();
  first.destroy();
  loop.run();
  EXPECT_THAT(out.values(), ElementsAre(1));
}

TEST(Loop, ACancelledTimerDoesNotRunAndTheOthersDo) {
  asio::io_context io;
  const auto loop = loop_of(io);
  std::vector<int> ran;
  const auto now = loop->now();
  const auto first = loop->call_at(now + 1ms, [&] { ran.push_back(1); });
  loop->call_at(now + 2ms, [&] { ran.push_back(2); });
  const auto last = loop->call_at(now + 1h, [&] { ran.push_back(3); });
  loop->cancel(first);
  loop->cancel(last);
  loop->cancel(first);
  loop->cancel({});
  io.run();  // returns: nothing is left
  EXPECT_THAT(ran, ElementsAre(2));
}

TEST(Loop, OfTheExecutorOfAnotherLoopRunsOnThat) {
  VirtualLoop other;
  const LoopRef loop(other.executor());
  EXPECT_EQ(loop.get(), LoopRef(other.executor()).get());
  bool inside = false;
  loop.get()->post([&] { inside = loop.get()->on_loop_thread(); });
  EXPECT_FALSE(loop.get()->on_loop_thread());
  EXPECT_FALSE(inside);
  other.run();
  EXPECT_TRUE(inside);
}

TEST(Loop, ItsLastTimerCancelledKeepsNoContext) {
  asio::io_context io;
  const auto loop = loop_of(io);
  loop->cancel(loop->call_at(loop->now() + 1h, [] {}));
  io.poll();
  EXPECT_TRUE(io.stopped());
}

TEST(Loop, ATimerMayCancelAndMakeTimers) {
  VirtualLoop loop;
  const auto impl = loop_of(loop);
  std::vector<int> ran;
  Loop::Timer victim;
  impl->call_at(impl->now() + 1s, [&] {
    ran.push_back(1);
    impl->cancel(victim);
    impl->call_at(impl->now(), [&] { ran.push_back(2); });
    impl->call_at(impl->now() + 1s, [&] { ran.push_back(4); });
  });
  victim = impl->call_at(impl->now() + 1s, [&] { ran.push_back(3); });
  loop.run();
  EXPECT_THAT(ran, ElementsAre(1, 2, 4));
  EXPECT_EQ(loop.elapsed(), 2s);
}

TEST(Loop, ADefaultOneExistsOnce) {
  EXPECT_EQ(default_loop(), default_loop());
  Stream<int> source;
  auto out = source.rate_limit(1us).sink_to_vector();
  source.emit(1);
  source.emit(2);
  EXPECT_THAT(out.values(), ElementsAre(1, 2));
  EXPECT_NO_THROW(source.delay(1us, {.loop = default_loop()}));
}

// A loop of somebody else: one thread over a queue, with one alarm.
class ForeignLoop : public Loop {
 public:
  ForeignLoop() : thread_([this] { work(); }) {}
  ~ForeignLoop() override {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    condition_.notify_one();
    thread_.join();
  }
  TimePoint now() const override { return std::chrono::steady_clock::now(); }
  void post(Callback callback) override {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(callback));
    }
    condition_.notify_one();
  }
  bool on_loop_thread() const override { return std::this_thread::get_id() == thread_.get_id(); }

 protected:
  void arm(TimePoint at) override {
    std::lock_guard lock(mutex_);
    alarm_ = at;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      if (!queue_.empty()) {
        Callback callback = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        run(callback);
        callback = nullptr;
        lock.lock();
      } else if (alarm_ <= now()) {
        alarm_ = TimePoint::max();
        lock.unlock();
        run_due_timers();
        lock.lock();
      } else if (alarm_ == TimePoint::max()) {
        condition_.wait(lock);
      } else {
        condition_.wait_until(lock, alarm_);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable condition_;
  std::deque<Callback> queue_;
  TimePoint alarm_ = TimePoint::max();
  bool stop_ = false;
  std::thread thread_;
};

// Made before the streams on the loop and destroyed after them. The loop's thread lets go of a stream
// when its callback is over; this waits for that, because a thread cannot join itself.
class LastOwner {
 public:
  ~LastOwner() {
    while (loop_.use_count() > 1) std::this_thread::yield();
  }
  operator LoopRef() const { return LoopRef(std::shared_ptr<Loop>(loop_)); }  // NOLINT
  ForeignLoop* operator->() const { return loop_.get(); }
  ForeignLoop* get() const { return loop_.get(); }

 private:
  std::shared_ptr<ForeignLoop> loop_ = std::make_shared<ForeignLoop>();
};

TEST(ForeignLoop, RunsNodesWithTime) {
  const LastOwner loop;
  Stream<int> source;
  auto out = source.rate_limit(1ms, {.loop = loop}).delay(1ms).sink_to_vector();
  for (int x = 0; x < 3; ++x) source.emit(x);
  source.drain();
  EXPECT_THAT(out.values(), ElementsAre(0, 1, 2));
}

TEST(ForeignLoop, RunsAwaitableFunctionsOnItsThread) {
  const LastOwner loop;
  Stream<int> source{static_cast<LoopRef>(loop)};
  bool inside = true;
  auto out = source
                 .map([&inside, loop = loop.get()](int x) -> asio::awaitable<int> {
                   inside = inside && loop->on_loop_thread();
                   co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
                   inside = inside && loop->on_loop_thread();
                   co_return x + 1;
                 })
                 .sink_to_vector();
  source.emit(1);
  auto later = source.async_emit(2, asio::use_future);
  ASSERT_TRUE(arrives(later));
  EXPECT_TRUE(inside);
  EXPECT_THAT(out.values(), ElementsAre(2, 3));
}

TEST(ForeignLoop, RefusesABlockingCallOnItsThread) {
  const LastOwner loop;
  Stream<int> source{static_cast<LoopRef>(loop)};
  std::promise<bool> refused;
  auto answer = refused.get_future();
  loop->post([&] {
    try {
      source.emit(1);
      refused.set_value(false);
    } catch (const LoopError&) {
      refused.set_value(true);
    }
  });
  ASSERT_TRUE(arrives(answer));
  EXPECT_TRUE(answer.get());
}

}  // namespace
}  // namespace penstock
