// The file of a program that is executed from memory: nothing of it is on any disk, and it is gone with the last
// process that runs it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace penstock::worker {

class ProgramFile {
 public:
  // Empty. `name` is for people: it shows in /proc. Where memory cannot be executed it is a file without a name in
  // the folder for temporary files.
  static absl::StatusOr<ProgramFile> create(const std::string& name);
  static absl::StatusOr<ProgramFile> create_on_disk();  // that one
  ~ProgramFile();
  ProgramFile(ProgramFile&& other) noexcept;
  ProgramFile& operator=(ProgramFile&&) = delete;

  absl::Status append(std::string_view bytes);
  // Nothing is written any more, by anyone.
  absl::Status seal();
  // What to execute, in this process and in children while they are being started.
  std::string path() const;

 private:
  explicit ProgramFile(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace penstock::worker
