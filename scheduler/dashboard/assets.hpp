// The files of the pages, embedded in the program at build time (embed.cmake writes the .cpp).
#pragma once

#include <string_view>

namespace penstock::scheduler {

struct Asset {
  std::string_view name;  // of the file, without a folder: "status.css"
  std::string_view etag;  // quoted, changes with the contents
  std::string_view body;
};

// Null when there is none of that name. Valid as long as the program runs. Thread-safe.
const Asset* find_asset(std::string_view name);

}  // namespace penstock::scheduler
