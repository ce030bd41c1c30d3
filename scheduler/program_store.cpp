#include "scheduler/program_store.hpp"

#include <utility>

#include "proto/limits.hpp"

namespace penstock::scheduler {

void ProgramStore::expect(const SendProgramRequest& request) {
  const std::lock_guard lock(mutex_);
  Program program;
  program.from = request.client;
  program.size = request.size;
  programs_.insert_or_assign(request.sha256, std::move(program));
}

std::optional<Event> ProgramStore::add(ClientId client, ProgramPiece&& piece) {
  const std::lock_guard lock(mutex_);
  const auto found = programs_.find(piece.sha256);
  if (found == programs_.end() || found->second.from != client || found->second.complete) return std::nullopt;
  std::string sha256 = piece.sha256;
  if (std::optional<std::string> failure = take(found->second, std::move(piece))) {
    programs_.erase(found);
    return ProgramFailed{client, std::move(sha256), *std::move(failure)};
  }
  if (found->second.bytes.size() < found->second.size) return std::nullopt;
  if (found->second.sum.finish() != sha256) {
    programs_.erase(found);
    return ProgramFailed{client, std::move(sha256), "what the client sent has another SHA-256 than it said"};
  }
  found->second.complete = true;
  return ProgramArrived{client, std::move(sha256)};
}

std::optional<std::string> ProgramStore::take(Program& program, ProgramPiece&& piece) {
  if (!piece.failure.empty()) return "the client cannot read it: " + piece.failure;
  if (piece.bytes.empty() || piece.bytes.size() > proto_limits::kProgramPieceBytes ||
      piece.offset != program.bytes.size() || piece.bytes.size() > program.size - program.bytes.size()) {
    return "the client sent pieces that do not fit together";
  }
  program.sum.add(piece.bytes);
  program.bytes.Append(std::move(piece.bytes));
  return std::nullopt;
}

void ProgramStore::drop(const std::string& sha256) {
  const std::lock_guard lock(mutex_);
  programs_.erase(sha256);
}

std::optional<absl::Cord> ProgramStore::find(const std::string& sha256) const {
  const std::lock_guard lock(mutex_);
  const auto found = programs_.find(sha256);
  if (found == programs_.end() || !found->second.complete) return std::nullopt;
  return found->second.bytes;
}

}  // namespace penstock::scheduler
