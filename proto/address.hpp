// Addresses of schedulers, as people write them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/limits.hpp"

namespace penstock::proto_address {

// "host", "host:port", "[::1]:8786" or "unix:path", completed. Errors say what is wrong.
inline absl::StatusOr<std::string> complete(const std::string& address) {
  if (absl::StartsWith(address, "unix:")) return address;
  const auto wrong = [&](const char* why) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" is no address of a scheduler: ", why));
  };
  const std::size_t bracket = address.rfind(']');
  const std::size_t colon = address.rfind(':');
  const bool has_port =
      colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  const std::string host = has_port ? address.substr(0, colon) : address;
  if (host.empty()) return wrong("the host is missing");
  if (absl::StrContains(host, '/')) return wrong("it is host:port, without http://");
  if (bracket == std::string::npos && absl::StrContains(host, ':')) {
    return wrong("an IPv6 address stands in brackets, [::1]:8786");
  }
  if (!has_port) return absl::StrCat(host, ":", proto_limits::kDefaultClusterPort);
  std::uint32_t port = 0;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port) || port == 0 || port > 65535) {
    return wrong("the port is a number from 1 to 65535");
  }
  return address;
}

}  // namespace penstock::proto_address
