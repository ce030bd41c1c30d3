#include "worker/input_assembler.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cluster.pb.h"

namespace penstock::worker {
namespace {

using proto_values::Bytes;

absl::Status check(const v1::KeptInputs& places, std::size_t input_bytes) {
  std::uint64_t last = 0;
  for (const v1::KeptInput& place : places.inputs()) {
    if (place.at() < last || place.at() > input_bytes) {
      return absl::InvalidArgumentError("a value belongs where the input has no place for it");
    }
    last = place.at();
  }
  return absl::OkStatus();
}

Bytes splice(const absl::Cord& input, const v1::KeptInputs& places, const std::vector<Bytes>& values) {
  std::size_t bytes = input.size();
  for (const Bytes& value : values) bytes += value.view.size();
  auto whole = std::make_shared<std::string>();
  whole->reserve(bytes);
  std::size_t done = 0;  // of the input
  const auto add_until = [&](std::size_t end) {
    const absl::Cord part = input.Subcord(done, end - done);
    for (const absl::string_view chunk : part.Chunks()) {
      whole->append(chunk.data(), chunk.size());
    }
    done = end;
  };
  for (std::size_t i = 0; i < values.size(); ++i) {
    add_until(places.inputs(static_cast<int>(i)).at());
    whole->append(values[i].view);
  }
  add_until(input.size());
  const std::string_view view = *whole;
  return Bytes{view, std::move(whole)};
}

}  // namespace

absl::StatusOr<Bytes> InputAssembler::assemble(const absl::Cord& input, const absl::Cord& kept,
                                               std::vector<std::uint32_t>& lost) {
  v1::KeptInputs places;
  if (!places.ParseFromString(std::string(kept))) {
    return absl::InvalidArgumentError("the places of the input's values cannot be read");
  }
  if (absl::Status status = check(places, input.size()); !status.ok()) return status;
  std::vector<Bytes> values;
  std::set<std::string> out_of_reach;  // workers: nobody waits for each of their values
  absl::Status failed;
  for (int i = 0; i < places.inputs_size(); ++i) {
    const v1::KeptValue& place = places.inputs(i).value();
    absl::StatusOr<Bytes> value = out_of_reach.contains(place.worker()) ? failed : read(place);
    if (value.ok()) {
      values.push_back(*std::move(value));
      continue;
    }
    lost.push_back(static_cast<std::uint32_t>(i));
    if (absl::IsUnavailable(value.status())) out_of_reach.insert(place.worker());
    failed.Update(value.status());
  }
  if (!failed.ok()) return failed;
  if (input.empty() && values.size() == 1) return std::move(values.front());
  return splice(input, places, values);
}

absl::StatusOr<Bytes> InputAssembler::read(const v1::KeptValue& value) {
  if (value.worker() != worker_) return reader_.read(value);
  const ValueStore::Value own = own_->find({TaskId{value.task()}, value.attempt()});
  if (!own || (!value.name().empty() && own->name() != value.name())) return absl::NotFoundError(absl::StrCat("worker ", worker_, " does not have the value any more"));
  if (own->size() != value.size()) {
    return absl::DataLossError(absl::StrCat("a value of worker ", worker_, " has another size than it said"));
  }
  return own->bytes();
}

}  // namespace penstock::worker
