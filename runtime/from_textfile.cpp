#include "penstock/sources/from_textfile.hpp"

#include <asio/post.hpp>
#include <memory>
#include <utility>

#include "penstock/sources/from_coroutine.hpp"
#include "runtime/change_watch.hpp"
#include "runtime/emit_lines.hpp"
#include "runtime/followed_file.hpp"

namespace penstock {
namespace {

using Out = Emitter<std::string>;

// What outlives a stop().
struct TextFile {
  TextFile(const std::filesystem::path& path, const FromTextfileOptions& chosen)
      : options(chosen),
        folder(path.has_parent_path() ? path.parent_path() : "."),
        file(path.string()),
        splitter("from_textfile('" + path.string() + "')", chosen.delimiter, chosen.max_line_bytes) {}

  bool open() {
    const bool opened = file.open(options.tail);
    if (opened && options.from_end && !begun) file.to_end();
    begun = true;
    return opened;
  }

  const FromTextfileOptions options;
  const std::filesystem::path folder;
  detail::FollowedFile file;
  detail::LineSplitter splitter;
  bool begun = false;  // it was opened once, or looked for
};

// Returns whether there was anything.
asio::awaitable<bool> emit_to_end(Out out, TextFile& text) {
  for (bool any = false;; any = true) {
    co_await detail::emit_lines(out, text.splitter);
    const auto bytes = text.file.read();
    if (bytes.empty()) co_return any;
    text.splitter.append(bytes);
    // Bytes without a line would keep the loop to themselves.
    co_await asio::post(out.executor(), asio::use_awaitable);
  }
}

asio::awaitable<void> emit_all(Out out, TextFile& text) {
  if (!text.file.is_open()) text.open();
  co_await emit_to_end(out, text);
  co_await detail::emit_rest(out, text.splitter);
  text.file.close();
}

class Tail {
 public:
  Tail(Out out, TextFile& text) : out_(out), text_(text), watch_(out.loop()) {}

  asio::awaitable<void> run() {
    for (;;) {
      watch_.note_folder(text_.folder);
      if (text_.file.is_open() || try_open()) co_await follow();
      co_await watch_.wait(text_.options.poll_interval);
    }
  }

 private:
  // Emits what came, from as many files as there are. Returns when there is nothing to do before a change.
  asio::awaitable<void> follow() {
    auto& file = text_.file;
    for (bool was_replaced = false;;) {
      watch_.note_file(file.handle());
      const bool any = co_await emit_to_end(out_, text_);
      if (file.was_truncated()) {
        file.to_start();
        co_await detail::emit_rest(out_, text_.splitter);
      } else if (!file.was_replaced()) {
        co_return;
      } else if (any || !was_replaced) {
        // Who writes to the old one has perhaps not noticed yet.
        was_replaced = true;
        co_await out_.pause(text_.options.poll_interval);
      } else if (try_open()) {
        was_replaced = false;
        co_await detail::emit_rest(out_, text_.splitter);
      } else {
        co_return;
      }
    }
  }

  // A file that may not be read yet (its rights may be set later) is waited for, and complained of once.
  bool try_open() {
    try {
      const bool opened = text_.open();
      if (opened) complaint_.clear();
      return opened;
    } catch (const Error& error) {
      if (std::exchange(complaint_, error.what()) != complaint_) out_.report(std::current_exception());
      return false;
    }
  }

  const Out out_;
  TextFile& text_;
  detail::ChangeWatch watch_;
  std::string complaint_;
};

asio::awaitable<void> emit_text(Out out, std::shared_ptr<TextFile> text) {
  if (!text->options.tail) {
    co_await emit_all(out, *text);
    co_return;
  }
  Tail tail(out, *text);
  co_await tail.run();
}

}  // namespace

Source<std::string> from_textfile(const std::filesystem::path& path, FromTextfileOptions options) {
  if (options.poll_interval <= Duration::zero()) {
    throw Error("from_textfile(): poll_interval must be positive");
  }
  const LoopRef loop = std::exchange(options.loop, {});
  const bool finite = !options.tail;
  return detail::make_coroutine_source<std::string>(
      "from_textfile",
      [text = std::make_shared<TextFile>(path, options)](Out out) { return emit_text(out, text); },
      {loop, finite});
}

}  // namespace penstock
