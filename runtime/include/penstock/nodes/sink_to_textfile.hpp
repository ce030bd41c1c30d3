// s.sink_to_textfile(path, options): writes each element and an end of line to a file. emit() waits for that.
//
//   lines.sink_to_textfile("out.txt", {.truncate = true});
//
//   in    -a---b---c---|
//   file  -a\n-b\n-c\n--
//
// Strings are written as they are, numbers so that they read back the same, and everything else with its
// operator<<. The file is opened here and now: Error, with the path and the reason, when that fails.
//
// A line has been given to the operating system when emit() returns. With options.buffer_bytes, lines wait
// until they are more than that, and the tokens of their elements with them; what waits is written at the
// end of the stream and when the pipeline is destroyed. Nothing is synchronised with the disk.
//
// A line that cannot be written (disk full) is an error of its element and obeys the policy; regular files
// then hold nothing of it. Writing blocks the loop.
#pragma once

#include "penstock/detail/element_text.hpp"
#include "penstock/detail/text_file.hpp"
#include "penstock/nodes/sink.hpp"

namespace penstock {
namespace detail {

template <class T>
class SinkToTextfileNode : public Operator<SinkToTextfileNode<T>, T, Nothing> {
 public:
  SinkToTextfileNode(NodeBase::Place place, const std::string& path, TextFileOptions options)
      : Operator<SinkToTextfileNode, T, Nothing>(std::move(place), "sink_to_textfile"),
        options_(std::move(options)),
        file_(path, options_.truncate) {}

  template <class U>
  void receive(U&& value, Delivery& delivery) {
    with_text(std::as_const(value), [&](std::string_view text) {
      if (file_.append(text, options_.end_of_line, options_.buffer_bytes)) {
        std::exchange(tokens_, {}).clear();
      } else if (delivery.token()) {
        tokens_.push_back(delivery.token());
      }
    });
  }

  void flush(Delivery& delivery) {
    call_user(*this, delivery, [&] { file_.flush(); }, [&] { std::exchange(tokens_, {}).clear(); });
  }

 private:
  const TextFileOptions options_;
  std::vector<Token> tokens_;  // of the lines that wait
  TextFile file_;              // destroyed first: writes them
};

}  // namespace detail

template <class T>
Sink Stream<T>::sink_to_textfile(const std::string& path, TextFileOptions options) const {
  static_assert(detail::kHasText<T>,
                "sink_to_textfile() needs elements that are strings or numbers or have an operator<<: "
                "map() them to std::string before it");
  return attach_sink<detail::SinkToTextfileNode<T>>(path, std::move(options));
}

}  // namespace penstock
