// The demo's work: what one file holds, and how files add up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace demo {

// A file as it travels to a worker: an aggregate, so there is nothing to write for it.
struct File {
  std::string path;
  std::string bytes;
};

// A word is a maximal run of ASCII letters, lower-cased.
// Its words stand in one string, each followed by a space, beside their counts: that travels as two
// blocks of bytes instead of as hundreds of little strings.
struct FileResult {
  std::uint64_t bytes = 0;  // after unzipping
  std::uint64_t words = 0;
  std::string distinct;               // each word once, in no order
  std::vector<std::uint32_t> counts;  // of the words in `distinct`
};

struct Totals {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t words = 0;
  absl::flat_hash_map<std::string, std::uint64_t> counts;

  // The most frequent words, by count, then alphabetically.
  std::vector<std::pair<std::string, std::uint64_t>> top(std::size_t n) const;
};

// Reads a whole regular file. Throws std::runtime_error that names it.
File read_file(const std::string& path);

// Unzips files named .gz and counts. Throws std::runtime_error that names the file. Runs on workers.
FileResult count_words(const File& file);

void add_to(Totals& totals, const FileResult& result);

// Every regular file under the paths (files themselves too), sorted, each once. Links are not followed.
// What cannot be looked into goes to `unreadable`.
std::vector<std::string> find_files(const std::vector<std::string>& paths,
                                    std::vector<std::string>& unreadable);

}  // namespace demo
