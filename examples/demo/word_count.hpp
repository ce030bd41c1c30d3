// The demo's work: what one file holds, and how files add up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace demo {

// A file as it travels to a worker: an aggregate, so there is nothing to write for it.
struct File {
  std::string path;
  std::string bytes;
};

// A word is a maximal run of ASCII letters, lower-cased.
struct FileResult {
  std::uint64_t bytes = 0;  // after unzipping
  std::uint64_t words = 0;
  std::vector<std::pair<std::string, std::uint32_t>> counts;  // each word once, in no order
};

struct Totals {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t words = 0;
  std::unordered_map<std::string, std::uint64_t> counts;

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
