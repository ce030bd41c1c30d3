#include "penstock/sources/filenames.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "penstock/sources/from_coroutine.hpp"
#include "runtime/change_watch.hpp"

namespace penstock {
namespace {

namespace fs = std::filesystem;

// A pattern, and the names that were found by it.
class NamesFound {
 public:
  NamesFound(fs::path pattern, const FilenamesOptions& options)
      : pattern_(std::move(pattern)), options_(options) {}

  void look(detail::ChangeWatch& watch) {
    std::vector<fs::path> there;
    const bool whole = is_folder() ? entries_of(pattern_, "*", watch, there) : matches(pattern_, watch, there);
    for (const auto& path : there) {
      if (seen_.insert(path).second) new_.push_back(path);
    }
    std::sort(new_.begin(), new_.end(), std::greater<>());
    if (seen_.size() > options_.max_names && whole) forget_all_but(std::move(there));
  }

  bool any_new() const { return !new_.empty(); }
  fs::path take_new() {
    fs::path path = std::move(new_.back());
    new_.pop_back();
    return path;
  }

  Duration poll_interval() const { return options_.poll_interval; }

 private:
  // These add to `found`, and watch the folders that they look into, first. False: a folder could not be read
  // to its end.
  static bool entries_of(const fs::path& folder, const std::string& name, detail::ChangeWatch& watch,
                         std::vector<fs::path>& found) {
    watch.note_folder(folder);
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (fnmatch(name.c_str(), it->path().filename().c_str(), FNM_PERIOD) == 0) found.push_back(it->path());
    }
    return !error;
  }
  static bool matches(const fs::path& pattern, detail::ChangeWatch& watch, std::vector<fs::path>& found) {
    std::vector<fs::path> folders{pattern.has_parent_path() ? pattern.parent_path() : fs::path(".")};
    bool whole = true;
    if (folders[0].native().find_first_of("*?") != std::string::npos) {
      const fs::path parents = std::exchange(folders, {})[0];
      whole = matches(parents, watch, folders);
      std::erase_if(folders, [](const fs::path& path) {
        std::error_code ignored;
        return !fs::is_directory(path, ignored);
      });
    }
    for (const auto& folder : folders) {
      whole = entries_of(folder, pattern.filename(), watch, found) && whole;
    }
    return whole;
  }

  bool is_folder() const {
    std::error_code ignored;
    return fs::is_directory(pattern_, ignored);
  }
  void forget_all_but(std::vector<fs::path> there) {
    std::sort(there.begin(), there.end());
    std::erase_if(seen_, [&](const fs::path& path) {
      return !std::binary_search(there.begin(), there.end(), path);
    });
  }

  const fs::path pattern_;
  const FilenamesOptions options_;
  std::set<fs::path> seen_;
  std::vector<fs::path> new_;  // to emit, last first
};

asio::awaitable<void> emit_filenames(Emitter<fs::path> out, std::shared_ptr<NamesFound> names) {
  detail::ChangeWatch watch(out.loop());
  for (;;) {
    names->look(watch);
    while (names->any_new()) co_await out.emit(names->take_new());
    co_await watch.wait(names->poll_interval());
  }
}

}  // namespace

Source<fs::path> filenames(const std::string& pattern, FilenamesOptions options) {
  if (options.poll_interval <= Duration::zero()) {
    throw Error("filenames(): poll_interval must be positive");
  }
  if (pattern.empty()) throw Error("filenames(): the pattern is empty: name a folder, or a path with * and ?");
  if (pattern.find("**") != std::string::npos) {
    throw Error("filenames(): ** is not known: * stands for any name of one folder, as in \"/data/*/*.csv\"");
  }
  const LoopRef loop = std::exchange(options.loop, {});
  return detail::make_coroutine_source<fs::path>(
      "filenames",
      [names = std::make_shared<NamesFound>(pattern, options)](Emitter<fs::path> out) {
        return emit_filenames(out, names);
      },
      {loop, false});
}

}  // namespace penstock
