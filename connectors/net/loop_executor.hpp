// Boost.Asio on a stream's loop. Its sockets and timers are served by a reactor of their own, one for
// the process, with one thread; what completes there continues on the loop.
#pragma once

#include "connectors/net/boost_asio.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <memory>

#include "penstock/loop.hpp"

namespace penstock::net {

boost::asio::any_io_executor executor_of(std::shared_ptr<Loop> loop);

// co_await something(into(error)) fills `error` instead of throwing.
inline auto into(boost::system::error_code& error) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, error);
}

}  // namespace penstock::net
