// Text from other processes, made fit for formats that demand UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace penstock::scheduler {

// The same text; each byte that is not part of valid UTF-8 is replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

}  // namespace penstock::scheduler
