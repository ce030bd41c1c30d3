#include "penstock/task_error.hpp"

#include <utility>

namespace penstock {
namespace {

std::string in_words(const TaskErrorInfo& info) {
  if (info.kind != TaskErrorKind::kRaised) {
    // Some texts of the scheduler name the task themselves.
    const bool named = info.text.find(info.task) != std::string::npos;
    return named ? info.text : info.task + ": " + info.text;
  }
  return "task raised " + info.type + ": " + info.text + " (" + info.task + ", " + info.worker +
         ", attempt " + std::to_string(info.attempt) + ")";
}

}  // namespace

TaskError::TaskError(TaskErrorInfo info) : Error(in_words(info)), info_(std::move(info)) {}

std::exception_ptr make_task_error(TaskErrorInfo info) {
  switch (info.kind) {
    case TaskErrorKind::kRaised: return std::make_exception_ptr(TaskRaised(std::move(info)));
    case TaskErrorKind::kWorkerLost: return std::make_exception_ptr(WorkerLost(std::move(info)));
    case TaskErrorKind::kCodeNotAvailable:
      return std::make_exception_ptr(CodeNotAvailable(std::move(info)));
    case TaskErrorKind::kNoWorker: return std::make_exception_ptr(NoWorker(std::move(info)));
    case TaskErrorKind::kBadArguments: return std::make_exception_ptr(BadArguments(std::move(info)));
    case TaskErrorKind::kRefused: return std::make_exception_ptr(TaskRefused(std::move(info)));
    case TaskErrorKind::kCancelled: return std::make_exception_ptr(TaskCancelled(std::move(info)));
    case TaskErrorKind::kTimedOut: return std::make_exception_ptr(TaskTimedOut(std::move(info)));
  }
  std::terminate();
}

}  // namespace penstock
