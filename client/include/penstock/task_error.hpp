// What a task can fail of. Each kind is a type of its own, so that it can be caught on its own.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "penstock/error.hpp"

namespace penstock {

enum class TaskErrorKind {
  kRaised,            // the function threw: TaskRaised
  kWorkerLost,        // it was running on too many workers that died: WorkerLost
  kCodeNotAvailable,  // no worker has the function's module: CodeNotAvailable
  kNoWorker,          // no worker at all: NoWorker
  kBadArguments,      // the input could not be decoded, or the result not encoded: BadArguments
  kRefused,           // over a limit: TaskRefused
  kCancelled,         // by the user, or because the client was closed: TaskCancelled
  kTimedOut,          // it ran for longer than TaskOptions::timeout: TaskTimedOut
};

struct TaskErrorInfo {
  TaskErrorKind kind = TaskErrorKind::kRaised;
  std::string type;           // of the exception: "std::out_of_range"
  std::string text;           // its what(), or an explanation
  std::string task;           // label: the function's name, "parse | score" when fused
  std::string worker;         // where it ran last; empty when it never ran
  std::uint32_t attempt = 0;  // 1 for the first
};

class TaskError : public Error {
 public:
  explicit TaskError(TaskErrorInfo info);

  TaskErrorKind kind() const { return info_.kind; }
  const std::string& type() const { return info_.type; }
  const std::string& text() const { return info_.text; }
  const std::string& task() const { return info_.task; }
  const std::string& worker() const { return info_.worker; }
  std::uint32_t attempt() const { return info_.attempt; }

 private:
  TaskErrorInfo info_;
};

class TaskRaised : public TaskError {
  using TaskError::TaskError;
};
class WorkerLost : public TaskError {
  using TaskError::TaskError;
};
class CodeNotAvailable : public TaskError {
  using TaskError::TaskError;
};
class NoWorker : public TaskError {
  using TaskError::TaskError;
};
class BadArguments : public TaskError {
  using TaskError::TaskError;
};
class TaskRefused : public TaskError {
  using TaskError::TaskError;
};
class TaskCancelled : public TaskError {
  using TaskError::TaskError;
};
class TaskTimedOut : public TaskError {
  using TaskError::TaskError;
};

// The exception of the right type.
std::exception_ptr make_task_error(TaskErrorInfo info);

}  // namespace penstock
