// The members of a local stream that a distributed one cannot have, explained to who writes them.
#pragma once

#include <string>
#include <utility>

#include "penstock/detail/distributed_parts.hpp"
#include "penstock/stream.hpp"

namespace penstock::detail {

template <class T>
class NotOnFutures : public NodeHandle {
 public:
  using NodeHandle::NodeHandle;

  template <class Policy>
  DistributedStream<T>& on_error(const Policy&) {
    static_assert(kNever<Policy>,
                  "errors of a distributed stream come out at gather(): put on_error() behind it, and with() "
                  "here to try again");
    return static_cast<DistributedStream<T>&>(*this);
  }
  template <class... Arguments>
  Sink sink(const Arguments&...) const {
    static_assert(kNever<Sink, Arguments...>, "sink() needs values, and these are futures: gather() first");
    return Sink(hold_, &node());
  }
  template <class U = T>
  VectorSink<U> sink_to_vector() const {
    static_assert(kNever<U>, "sink_to_vector() needs values, and these are futures: gather() first");
    return this_stream().gather().sink_to_vector();
  }
  template <class U = T>
  Sink sink_to_textfile(const std::string&, TextFileOptions = {}) const {
    static_assert(kNever<U>, "sink_to_textfile() needs values, and these are futures: gather() first");
    return Sink(hold_, &node());
  }
  template <class F, class... Extra>
  DistributedStream<T> map_async(const F&, const Extra&...) const {
    static_assert(kNever<F>,
                  "a function on a worker blocks and returns a value: use map(), which runs many at once anyway");
    return this_stream();
  }
  template <class Options = TimeOptions>
  DistributedStream<T> buffer(std::size_t, Options) const {
    static_assert(kNever<Options>,
                  "buffer(n) of a distributed stream is the number of elements on their way, and has no loop: "
                  "leave the options out");
    return this_stream();
  }
  template <class Other>
  void connect(const Other&) const {
    static_assert(kNever<Other>, "a distributed part stays as it was made: connect() and disconnect() local streams, "
                                 "before scatter() or behind gather()");
  }
  template <class Other>
  void disconnect(const Other&) const {
    static_assert(kNever<Other>, "a distributed part stays as it was made: connect() and disconnect() local streams, "
                                 "before scatter() or behind gather()");
  }
  template <class... Arguments>
  DistributedStream<T> scatter(const Arguments&...) const {
    static_assert(kNever<T, Arguments...>, "these elements are on the workers already: gather() them first to "
                                           "scatter them anew");
    return this_stream();
  }
  template <class... Arguments>
  DistributedStream<T> scatter_by(const Arguments&...) const {
    static_assert(kNever<T, Arguments...>, "these elements are on the workers already: gather() them first to "
                                           "scatter them anew");
    return this_stream();
  }

 private:
  const DistributedStream<T>& this_stream() const { return static_cast<const DistributedStream<T>&>(*this); }
};

}  // namespace penstock::detail
