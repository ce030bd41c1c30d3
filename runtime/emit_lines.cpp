#include "runtime/emit_lines.hpp"

#include <optional>
#include <utility>

#include "penstock/detail/coroutine_source.hpp"
#include "penstock/error.hpp"

namespace penstock::detail {
namespace {

// None: there is none, or it was reported, which `reported` tells.
template <class Take>
std::optional<std::string> take(const Emitter<std::string>& out, bool& reported, Take take_line) {
  reported = false;
  try {
    return take_line();
  } catch (const Error&) {
    reported = true;
    out.report(std::current_exception());
    return std::nullopt;
  }
}

}  // namespace

asio::awaitable<void> emit_lines(Emitter<std::string> out, LineSplitter& splitter) {
  for (bool reported = true; reported;) {
    while (auto line = take(out, reported, [&] { return splitter.next(); })) {
      co_await out.emit(std::move(*line));
    }
  }
}

asio::awaitable<void> emit_rest(Emitter<std::string> out, LineSplitter& splitter) {
  bool reported;
  auto line = take(out, reported, [&] { return splitter.rest(); });
  if (line) co_await out.emit(std::move(*line));
}

}  // namespace penstock::detail
