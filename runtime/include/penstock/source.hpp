// Sources: streams that emit by themselves between start() and stop(). Each is in sources/<name>.hpp.
//
//   auto lines = penstock::from_textfile("orders.txt");
//   lines.map(f).sink(g);
//   lines.start();
//
// A source emits on its loop (its option, its graph's at start(), or the default one), the next element
// when the one before was delivered: a slow stream slows it down. A started source keeps its graph alive.
//
// stop() does not wait. A drain() after it waits until the source has let go of what it has open, too.
#pragma once

#include <utility>

#include "penstock/detail/source_control.hpp"
#include "penstock/stream.hpp"

namespace penstock {

// A stream with start() and stop(). stop() takes effect before the next element; start() goes on there.
template <class T>
class Source : public Stream<T> {
 public:
  Source(Stream<T> stream, detail::SourceControl* control)
      : Stream<T>(std::move(stream)), control_(control) {}

  void start() const {
    const auto node = this->pin();
    control_->start_source();
  }
  void stop() const {
    const auto node = this->pin();
    control_->stop_source();
  }

 private:
  detail::SourceControl* control_;
};

}  // namespace penstock
