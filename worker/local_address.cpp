#include "worker/local_address.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace penstock::worker {
namespace {

constexpr const char* kLoopback = "127.0.0.1";

// Empty: there is no way there.
std::string local_end_towards(const addrinfo& there) {
  const int number = socket(there.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (number < 0) return "";
  sockaddr_storage here{};
  socklen_t length = sizeof here;
  char host[NI_MAXHOST];
  const bool found =
      connect(number, there.ai_addr, there.ai_addrlen) == 0 &&
      getsockname(number, reinterpret_cast<sockaddr*>(&here), &length) == 0 &&
      getnameinfo(reinterpret_cast<sockaddr*>(&here), length, host, sizeof host, nullptr, 0, NI_NUMERICHOST) == 0;
  close(number);
  if (!found) return "";
  return here.ss_family == AF_INET6 ? absl::StrCat("[", host, "]") : std::string(host);
}

}  // namespace

absl::StatusOr<std::string> local_address_towards(const std::string& address) {
  if (address.empty() || absl::StartsWith(address, "unix:")) return kLoopback;
  const std::size_t colon = address.rfind(':');
  absl::string_view name(address.data(), std::min(colon, address.size()));
  if (absl::ConsumePrefix(&name, "[")) absl::ConsumeSuffix(&name, "]");
  const std::string host(name);
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot find ", host, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, freeaddrinfo);
  for (const addrinfo* there = found; there != nullptr; there = there->ai_next) {
    std::string here = local_end_towards(*there);
    if (!here.empty()) return here;
  }
  return absl::UnavailableError(absl::StrCat("there is no way to ", host));
}

}  // namespace penstock::worker
