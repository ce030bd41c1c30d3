// Boost.Asio on a stream's loop. Its sockets and timers are served by a reactor of their own, one for the
// process, with one thread; what completes there continues on the loop.
#pragma once

#include "connectors/net/boost_asio.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "penstock/loop.hpp"

namespace penstock::net {

boost::asio::any_io_executor executor_of(std::shared_ptr<Loop> loop);

}  // namespace penstock::net
