// What nodes whose work is on workers make of outcomes.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "penstock/codec.hpp"
#include "penstock/detail/task_port.hpp"
#include "penstock/task_error.hpp"

namespace penstock::detail {

inline CellPtr failed_cell(std::exception_ptr error) {
  return std::make_shared<Cell>(Outcome{"", std::move(error), {}});
}

inline std::exception_ptr bad_result(const std::string& task, std::string_view why) {
  return make_task_error({TaskErrorKind::kBadArguments, "", "bad result: " + std::string(why), task, "", 0});
}

// Reads what a task of the library's own left; or returns why there is nothing to read.
template <class Output>
std::exception_ptr read(const Outcome& outcome, const std::string& task, Output& output) {
  if (outcome.error) return outcome.error;
  const absl::Status status = decode(outcome.bytes(), output);
  return status.ok() ? nullptr : bad_result(task, std::string(status.message()));
}

// The stream goes, and with it all that could want any of this.
inline void cancel_all(const PortPtr& port, const std::vector<CellPtr>& cells) {
  for (CellPtr cell : cells) {
    for (; cell; cell = cell->followed()) port->cancel(cell);
  }
}

}  // namespace penstock::detail
