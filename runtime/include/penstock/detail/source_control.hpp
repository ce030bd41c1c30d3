// What start() and stop() of a source work on.
#pragma once

namespace penstock::detail {

class SourceControl {
 public:
  virtual ~SourceControl() = default;
  virtual void start_source() = 0;
  virtual void stop_source() = 0;
};

}  // namespace penstock::detail
