// Resources of workers and tasks, as people write them: "gpu=1, memory=4GiB".
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace penstock::proto_resources {

using Resources = std::map<std::string, std::int64_t>;  // by name, in thousandths

// A positive number, perhaps with a unit, in thousandths; 0: it is none.
inline std::int64_t amount_of(absl::string_view text) {
  constexpr std::array<std::pair<absl::string_view, std::int64_t>, 8> kUnits{
      {{"KiB", std::int64_t{1} << 10}, {"MiB", std::int64_t{1} << 20}, {"GiB", std::int64_t{1} << 30},
       {"TiB", std::int64_t{1} << 40}, {"KB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000},
       {"TB", 1'000'000'000'000}}};
  std::int64_t unit = 1;
  for (const auto& [name, size] : kUnits) {
    if (!absl::ConsumeSuffix(&text, name)) continue;
    unit = size;
    break;
  }
  text = absl::StripAsciiWhitespace(text);
  double number = 0;
  if (text.empty() || text.find_first_not_of("0123456789.") != text.npos || !absl::SimpleAtod(text, &number)) return 0;
  const double thousandths = number * static_cast<double>(unit) * 1000;
  return thousandths >= 1 && thousandths <= 1e18 ? static_cast<std::int64_t>(thousandths + 0.5) : 0;
}

// Errors say what is wrong.
inline absl::StatusOr<Resources> parse(absl::string_view text) {
  Resources resources;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (part.empty()) continue;
    const std::pair<absl::string_view, absl::string_view> sides = absl::StrSplit(part, absl::MaxSplits('=', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(sides.first);
    const std::int64_t amount = amount_of(absl::StripAsciiWhitespace(sides.second));
    if (name.empty() || amount == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", part, "\" is no resource: write name=amount, as in \"gpu=1, memory=4GiB, licence=0.5\""));
    }
    if (!resources.emplace(name, amount).second) {
      return absl::InvalidArgumentError(absl::StrCat("the resource ", name, " is given twice"));
    }
  }
  return resources;
}

// Into a repeated penstock.v1.Resource.
template <typename Messages>
void encode(const Resources& resources, Messages& to) {
  for (const auto& [name, amount] : resources) {
    auto& resource = *to.Add();
    resource.set_name(name);
    resource.set_thousandths(amount);
  }
}

}  // namespace penstock::proto_resources
