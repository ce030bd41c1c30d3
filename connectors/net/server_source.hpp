// The coroutine of a source that is a server.
#pragma once

#include "connectors/net/listener.hpp"
#include "connectors/net/loop_executor.hpp"
#include "connectors/net/mailbox.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "penstock/source.hpp"
#include "penstock/sources/from_coroutine.hpp"

namespace penstock::net {

template <class T>
using Post = std::shared_ptr<Mailbox<T>>;

template <class T>
using MakeConnection =
    std::function<std::shared_ptr<Connection>(tcp::socket socket, std::string peer, Post<T> post)>;

// Closes a server with the coroutine that runs it.
template <class T>
struct Closing {
  std::shared_ptr<Listener> listener;
  Post<T> post;
  ~Closing() {
    listener->close();
    post->close();
  }
};

// The pointers lead into the source.
template <class T>
asio::awaitable<void> run_server(Emitter<T> out, ListenOptions* options, MakeConnection<T>* make) {
  asio::steady_timer wake(out.executor(), asio::steady_timer::time_point::max());
  const auto post = std::make_shared<Mailbox<T>>(wake);
  const auto listener = std::make_shared<Listener>(
      executor_of(out.loop()), *options,
      [make = *make, post](tcp::socket socket, std::string peer) {
        return make(std::move(socket), std::move(peer), post);
      },
      [post](std::exception_ptr error) { post->report(std::move(error)); });
  const Closing<T> closing{listener, post};
  options->port = listener->open();  // of 0: the same at the next start
  if (options->on_listen) options->on_listen(options->port);
  for (;;) {
    auto letter = co_await post->take();
    for (auto& error : letter.errors) out.report(std::move(error));
    for (auto& value : letter.values) co_await out.emit(std::move(value));
    post->delivered(std::move(letter));
  }
}

template <class T>
Source<T> make_server_source(ListenOptions options, const LoopRef& loop, MakeConnection<T> make) {
  check(options);
  const char* const kind = options.call;
  return detail::make_coroutine_source<T>(
      kind,
      [options = std::move(options), make = std::move(make)](Emitter<T> out) mutable {
        return run_server<T>(out, &options, &make);
      },
      {loop, false});
}

}  // namespace penstock::net
