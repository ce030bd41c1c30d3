// Awaits that a descriptor can be read, or that time has passed on the loop.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "penstock/loop.hpp"

namespace penstock::detail {

// Returns when one of them is readable (at its end, it is) or `longest` has passed on the loop; the caller
// looks which. Pipes, inotify and pidfds, not files. They must outlive the wait. Cancellation throws
// std::system_error (operation_aborted) at once. On the loop's thread.
asio::awaitable<void> until_readable(std::shared_ptr<Loop> loop,
                                     std::vector<asio::posix::stream_descriptor*> descriptors,
                                     std::optional<Duration> longest);

}  // namespace penstock::detail
