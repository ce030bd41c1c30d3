// filenames(pattern): emits the path of every file that matches, and of each that appears later.
//
//   auto files = penstock::filenames("/data/in/*.csv");
//   files.map(load).sink(store);
//   files.start();
//
//   out  a.csv,b.csv----c.csv----      c.csv was made later
//
// The pattern is a folder (all in it) or a path with * and ? in any part: "/data/*/in/*.csv". A folder that
// does not exist yet is empty. Names come sorted, as far as they are found together, and each once, the next one when the
// one before was delivered. New ones are seen at once through inotify, and otherwise, as on network file
// systems, every poll_interval. A name comes when the file is made, not when it is complete: let the writer
// rename complete files into the folder.
//
// Runs until stop() or close(); start() goes on with what came meanwhile. For the files of one moment give
// from_iterable a vector of them. Looking blocks the loop for as long as it takes to read the folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "penstock/source.hpp"

namespace penstock {

struct FilenamesOptions {
  Duration poll_interval = std::chrono::milliseconds{100};  // positive
  LoopRef loop = {};
  // Names that are remembered, so that they do not come again. Beyond it those of files that are gone are
  // forgotten: made anew they come anew. More files than that in the folder are all remembered.
  std::size_t max_names = 1'000'000;
};

// Throws Error for a poll_interval that is not positive, and for an empty pattern or one with **.
Source<std::filesystem::path> filenames(const std::string& pattern, FilenamesOptions options = {});

}  // namespace penstock
