// How librdkafka's threads wake a coroutine or a callback of the loop.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/posix/stream_descriptor.hpp>

namespace penstock::kafka {

// A counter of the kernel that is readable after notify() until clear(). Any thread.
class EventFd {
 public:
  EventFd();  // throws Error
  ~EventFd();
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  int get() const { return fd_; }
  void notify() const;
  void clear() const;

  // To wait for it. Owns a descriptor of its own.
  asio::posix::stream_descriptor descriptor(const asio::any_io_executor& executor) const;

 private:
  int fd_;
};

}  // namespace penstock::kafka
