// What sources of lines do with their bytes.
#pragma once

#include <asio/awaitable.hpp>
#include <string>

#include "penstock/detail/line_splitter.hpp"
#include "penstock/emitter.hpp"

namespace penstock::detail {

// Emits every line that is whole; reports those that are too long. A stop loses no line: what was not emitted
// is still there.
asio::awaitable<void> emit_lines(Emitter<std::string> out, LineSplitter& splitter);

// The same for what is left at the end.
asio::awaitable<void> emit_rest(Emitter<std::string> out, LineSplitter& splitter);

}  // namespace penstock::detail
