#include "penstock/sources/from_process.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/cancellation_state.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <cerrno>
#include <exception>
#include <memory>

#include "penstock/sources/from_coroutine.hpp"
#include "runtime/child_process.hpp"
#include "runtime/emit_lines.hpp"
#include "runtime/readable.hpp"

namespace penstock {
namespace {

using Out = Emitter<std::string>;
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

struct Command {
  detail::ChildCommand child;
  FromProcessOptions options;
};

// A child and what is to be read of it.
class Run {
 public:
  Run(Out out, const Command& command)
      : out_(out),
        options_(command.options),
        child_(command.child),
        output_(out.executor(), child_.take_output()),
        exit_(out.executor(), child_.take_exit()),
        splitter_("from_process(" + command.child.text() + ")", options_.delimiter,
                  options_.max_line_bytes) {}

  // Emits its lines until it has exited. Returns what is wrong with its status, or "".
  asio::awaitable<std::string> emit_all() {
    std::exception_ptr stopped;
    try {
      for (;;) {
        // Whether it had exited is asked before it is read: what comes before an exit is then read.
        const bool exited = has_exited();
        const bool any = co_await emit_some();
        if (!any && exited) break;
        if (!any) co_await change(!exited, {});
      }
      co_await detail::emit_rest(out_, splitter_);
    } catch (...) {
      stopped = std::current_exception();
    }
    if (stopped) {
      // No stop cuts this short: somebody must wait for the child.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      co_await end();
      std::rethrow_exception(stopped);
    }
    child_.signal_group(SIGTERM);
    co_return child_.reap();
  }

 private:
  enum class Got { kBytes, kNothing, kEnd };

  // Reads and emits until there is no more for now. Returns whether there was anything.
  asio::awaitable<bool> emit_some() {
    const Got got = read();
    if (got == Got::kBytes) {
      splitter_.append(bytes());
      // Bytes without a line would keep the loop to themselves.
      co_await asio::post(out_.executor(), asio::use_awaitable);
      co_await detail::emit_lines(out_, splitter_);
    }
    co_return got == Got::kBytes;
  }

  Got read() {
    if (at_end_) return Got::kEnd;
    chunk_.resize(kChunkBytes);
    for (;;) {
      const auto got = ::read(output_.native_handle(), chunk_.data(), chunk_.size());
      if (got > 0) {
        size_ = static_cast<std::size_t>(got);
        return Got::kBytes;
      }
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Got::kNothing;
      at_end_ = true;
      return Got::kEnd;
    }
  }
  std::string_view bytes() const { return {chunk_.data(), size_}; }

  bool has_exited() {
    siginfo_t info{};
    // An error: somebody else waited for it.
    const auto child = static_cast<id_t>(exit_.native_handle());
    return ::waitid(P_PIDFD, child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
  }

  // The end of a child that is not wanted any more.
  asio::awaitable<void> end() {
    child_.signal_group(SIGTERM);
    const auto loop = out_.loop();
    const TimePoint deadline = loop->now() + options_.kill_after;
    // Who of its group still has the output is not done.
    for (;;) {
      const bool exited = has_exited();
      const Got got = read();
      const Duration left = deadline - loop->now();
      if ((exited && got == Got::kEnd) || left <= Duration::zero()) break;
      if (got == Got::kBytes) {
        co_await asio::post(out_.executor(), asio::use_awaitable);
      } else {
        co_await change(!exited, left);
      }
    }
    child_.signal_group(SIGKILL);
    while (!has_exited()) co_await until_exited();
    child_.reap();
  }

  // Until it writes, closes its output or exits. Output at its end and an exit stay readable: what was seen
  // already is not waited for.
  asio::awaitable<void> change(bool or_exit, std::optional<Duration> longest) {
    std::vector<asio::posix::stream_descriptor*> descriptors;
    if (!at_end_) descriptors.push_back(&output_);
    if (or_exit) descriptors.push_back(&exit_);
    return detail::until_readable(out_.loop(), std::move(descriptors), longest);
  }

  asio::awaitable<void> until_exited() {
    return detail::until_readable(out_.loop(), std::vector<asio::posix::stream_descriptor*>{&exit_}, {});
  }

  const Out out_;
  const FromProcessOptions& options_;
  detail::ChildProcess child_;
  asio::posix::stream_descriptor output_;
  asio::posix::stream_descriptor exit_;
  detail::LineSplitter splitter_;
  std::vector<char> chunk_;
  std::size_t size_ = 0;
  bool at_end_ = false;
};

// Returns when nobody wants it to be started again.
asio::awaitable<void> emit_process(Out out, std::shared_ptr<const Command> command) {
  const auto& [child, options] = *command;
  detail::Backoff backoff(options.reconnect);
  for (;;) {
    const TimePoint started = out.loop()->now();
    std::optional<Run> run;
    try {
      run.emplace(out, *command);
    } catch (const Error&) {
      if (!options.restart) throw;
      out.report(std::current_exception());
    }
    if (run) {
      const std::string problem = co_await run->emit_all();
      if (!options.restart && problem.empty()) co_return;
      const std::string text = child.text() + " " + (problem.empty() ? "exited with status 0" : problem);
      if (!options.restart) throw Error("from_process(): " + text);
      detail::notice(options.reconnect, "from_process()", text + "; it is started again");
      run.reset();
      if (out.loop()->now() - started >= options.reconnect.longest_pause) backoff.connected();
    }
    co_await out.pause(backoff.next());
  }
}

}  // namespace

Source<std::string> from_process(std::vector<std::string> command, FromProcessOptions options) {
  if (command.empty() || command.front().empty()) {
    throw Error("from_process(): the command is empty: give the program and its arguments");
  }
  if (options.kill_after < Duration::zero()) {
    throw Error("from_process(): kill_after must not be negative");
  }
  detail::check_reconnect("from_process()", options.reconnect);
  detail::LineSplitter("from_process()", options.delimiter, options.max_line_bytes);  // throws
  const LoopRef loop = std::exchange(options.loop, {});
  const bool finite = !options.restart;
  detail::ChildCommand child{std::move(command), options.working_directory, options.environment};
  auto shared = std::make_shared<const Command>(Command{std::move(child), std::move(options)});
  return detail::make_coroutine_source<std::string>(
      "from_process", [shared](Out out) { return emit_process(out, shared); }, {loop, finite});
}

}  // namespace penstock
