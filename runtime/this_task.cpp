#include "penstock/this_task.hpp"

#include "penstock/detail/task_host.hpp"
#include "penstock/detail/task_place.hpp"

namespace penstock::this_task {

std::stop_token stop_token() {
  const std::stop_source* const source = detail::task_place().stop;
  return source != nullptr ? source->get_token() : std::stop_token();
}

const std::string& worker() { return detail::task_place().worker; }

std::uint32_t attempt() { return detail::task_place().attempt; }

}  // namespace penstock::this_task

namespace penstock::detail {

TaskWait::TaskWait() : host_(task_place().waits ? nullptr : task_place().host) {
  if (host_ == nullptr) return;
  host_->begin_wait();
  task_place().waits = true;
}

TaskWait::~TaskWait() {
  if (host_ == nullptr) return;
  task_place().waits = false;
  host_->end_wait();
}

}  // namespace penstock::detail
