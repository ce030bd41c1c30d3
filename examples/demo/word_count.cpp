#include "examples/demo/word_count.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace demo {
namespace {

namespace fs = std::filesystem;

// A task takes an argument of 512 MiB: the file, its path, and a few bytes for their lengths.
constexpr off_t kLargestFile = (off_t{512} << 20) - (off_t{1} << 16);

// A file may not unzip to more than this: a small one can hold a very large one.
constexpr std::size_t kMostUnzipped = std::size_t{512} << 20;

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw std::runtime_error(path + ": " + why);
}

std::string unzip(const File& file) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) fail(file.path, "cannot start zlib");
  const struct Guard {
    z_stream& stream;
    ~Guard() { inflateEnd(&stream); }
  } guard{stream};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(file.bytes.data()));
  stream.avail_in = static_cast<uInt>(file.bytes.size());

  std::string out;
  std::array<char, 1 << 16> chunk;
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = chunk.size();
    const int result = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk.data(), chunk.size() - stream.avail_out);
    if (out.size() > kMostUnzipped) fail(file.path, "is too large when unzipped");
    if (result == Z_STREAM_END) {
      // A gzip file may hold several members, one behind the other.
      if (stream.avail_in == 0) return out;
      if (inflateReset(&stream) != Z_OK) fail(file.path, "cannot be unzipped");
    } else if (result != Z_OK) {
      fail(file.path, result == Z_BUF_ERROR ? "cannot be unzipped: it ends too early"
                                            : "cannot be unzipped: it is no gzip file");
    }
  }
}

// Lower-case letter for a letter, 0 for everything else.
constexpr std::array<char, 256> kLetters = [] {
  std::array<char, 256> letters{};
  for (int c = 'a'; c <= 'z'; ++c) letters[c] = static_cast<char>(c);
  for (int c = 'A'; c <= 'Z'; ++c) letters[c] = static_cast<char>(c - 'A' + 'a');
  return letters;
}();

}  // namespace

File read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) fail(path, std::strerror(errno));
  const struct Guard {
    int fd;
    ~Guard() { ::close(fd); }
  } guard{fd};
  struct stat status {};
  if (::fstat(fd, &status) != 0) fail(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail(path, "is no regular file");
  if (status.st_size > kLargestFile) fail(path, "is larger than one task may be");
  File file{path, std::string(static_cast<std::size_t>(status.st_size), '\0')};
  std::size_t have = 0;
  while (have < file.bytes.size()) {
    const ssize_t got = ::read(fd, file.bytes.data() + have, file.bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, std::strerror(errno));
    if (got == 0) break;  // it shrank
    have += static_cast<std::size_t>(got);
  }
  file.bytes.resize(have);
  return file;
}

FileResult count_words(const File& file) {
  std::string text = file.path.ends_with(".gz") ? unzip(file) : file.bytes;
  FileResult result;
  result.bytes = text.size();
  absl::flat_hash_map<std::string_view, std::uint32_t> counts;
  for (char& c : text) c = kLetters[static_cast<unsigned char>(c)];
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    if (*at == 0) {
      ++at;
      continue;
    }
    const char* const begin = at;
    while (at != end && *at != 0) ++at;
    ++counts[std::string_view(begin, static_cast<std::size_t>(at - begin))];
    ++result.words;
  }
  result.counts.reserve(counts.size());
  for (const auto& [word, count] : counts) {
    result.distinct.append(word).push_back(' ');
    result.counts.push_back(count);
  }
  return result;
}

void add_to(Totals& totals, const FileResult& result) {
  ++totals.files;
  totals.bytes += result.bytes;
  totals.words += result.words;
  const char* word = result.distinct.data();
  for (const std::uint32_t count : result.counts) {
    const char* const end = std::strchr(word, ' ');
    totals.counts[std::string(word, end)] += count;
    word = end + 1;
  }
}

std::vector<std::pair<std::string, std::uint64_t>> Totals::top(std::size_t n) const {
  std::vector<std::pair<std::string, std::uint64_t>> all(counts.begin(), counts.end());
  n = std::min(n, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(),
                    [](const auto& a, const auto& b) {
                      return a.second != b.second ? a.second > b.second : a.first < b.first;
                    });
  all.resize(n);
  return all;
}

std::vector<std::string> find_files(const std::vector<std::string>& paths,
                                    std::vector<std::string>& unreadable) {
  std::vector<std::string> files;
  for (const auto& path : paths) {
    std::error_code error;
    const auto status = fs::symlink_status(path, error);
    if (fs::is_regular_file(status)) {
      files.push_back(path);
      continue;
    }
    fs::recursive_directory_iterator it(path, fs::directory_options::none, error);
    if (error) {
      unreadable.push_back(path + ": " + error.message());
      continue;
    }
    for (const fs::recursive_directory_iterator end; it != end; it.increment(error)) {
      if (fs::is_regular_file(it->symlink_status(error))) files.push_back(it->path().string());
    }
    if (error) unreadable.push_back(path + ": " + error.message());
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

}  // namespace demo
