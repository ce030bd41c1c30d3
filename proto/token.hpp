// The shared secret of a cluster: sent by clients and workers as call metadata, compared by the
// scheduler.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

namespace penstock::proto_token {

inline constexpr const char* kMetadataKey = "penstock-token";
inline constexpr const char* kEnvironment = "PENSTOCK_TOKEN";

// What this process was given, or empty.
inline std::string from_environment() {
  const char* token = std::getenv(kEnvironment);
  return token == nullptr ? "" : token;
}

// What an option says, or else the environment.
inline std::string given_or_from_environment(std::string given) {
  return given.empty() ? from_environment() : given;
}

// In a time that does not tell how much of it was right.
inline bool equal(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

}  // namespace penstock::proto_token
