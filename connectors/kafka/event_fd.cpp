#include "connectors/kafka/event_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "penstock/error.hpp"

namespace penstock::kafka {
namespace {

int checked(int fd) {
  if (fd < 0) throw Error(std::string("kafka: no file descriptor: ") + std::strerror(errno));
  return fd;
}

}  // namespace

EventFd::EventFd() : fd_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))) {}
EventFd::~EventFd() { ::close(fd_); }

void EventFd::notify() const { ::eventfd_write(fd_, 1); }

void EventFd::clear() const {
  eventfd_t count;
  ::eventfd_read(fd_, &count);
}

asio::posix::stream_descriptor EventFd::descriptor(const asio::any_io_executor& executor) const {
  return {executor, checked(::dup(fd_))};
}

}  // namespace penstock::kafka
