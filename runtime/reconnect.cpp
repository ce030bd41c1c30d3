#include "penstock/reconnect.hpp"

#include <cstdio>

#include "penstock/error.hpp"

namespace penstock::detail {

void check_reconnect(const char* call, const ReconnectOptions& options) {
  if (options.first_pause > Duration::zero() && options.longest_pause >= options.first_pause) return;
  throw Error(std::string(call) + ": reconnect.first_pause must be positive and not above longest_pause");
}

void notice(const ReconnectOptions& options, std::string_view call, std::string_view text) {
  const std::string line = std::string(call) + ": " + std::string(text);
  if (options.on_notice) return options.on_notice(line);
  std::fprintf(stderr, "penstock: %s\n", line.c_str());
}

}  // namespace penstock::detail
