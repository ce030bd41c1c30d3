// Programs of clients: when their files are asked for, which hosts run them, and when they end. A host is told all
// that it is to run each time, and says all that it has, so whatever is lost on the way is made good by the next
// report.
#include <algorithm>
#include <limits>

#include "scheduler/core/state.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {
namespace {

bool needs(const Requirement& requirement, const Program& program) {
  const ModuleSet& modules = requirement.kit.modules;
  return std::binary_search(modules.begin(), modules.end(), program.offer.build_id);
}

bool is_there(const Pools& pools, const Program& program) {
  bool found = false;
  pools.for_each_pool([&](const Pool& pool) {
    found = found || std::binary_search(pool.kit.modules.begin(), pool.kit.modules.end(), program.offer.build_id);
  });
  return found;
}

std::size_t orders(const Host& host) {
  return static_cast<std::size_t>(
      std::count_if(host.programs.begin(), host.programs.end(), [](const auto& hosted) {
        return hosted.second.state != Hosted::State::kFailed;
      }));
}

}  // namespace

// ---- clients that offer one ---------------------------------------------------------------------

void Core::State::take_offer(Client& client, ProgramOffer&& offer) {
  client.no_program = refusal_of(offer, options.max_program_bytes);
  if (!client.no_program.empty()) {
    return log(Log::Level::kWarning, "the program of client " + quoted(client.name) + " is refused: " + client.no_program);
  }
  Program& program = program_of(offer);
  if (program.idle) deadlines.cancel(*std::exchange(program.idle, std::nullopt));
  ++program.clients;
  client.program = &program;
}

void Core::State::withdraw_offer(Client& client) {
  if (client.program == nullptr) return;
  Program& program = *std::exchange(client.program, nullptr);
  --program.clients;
  if (program.coming && program.coming->from == client.id) {
    stop_coming(program);
    emit(DropProgram{program.offer.sha256});
    bring(program);  // from another client
    consider_all_waits();
  }
  consider_idle(program);
}

Program& Core::State::program_of(const ProgramOffer& offer) {
  auto& program = programs[offer.sha256];
  if (program == nullptr) {
    program = std::make_unique<Program>();
    program->offer = offer;
  }
  return *program;
}

// Without clients it ends after a while, or at once when it never ran.
void Core::State::consider_idle(Program& program) {
  if (program.clients > 0 || program.idle) return;
  if (!program.wanted) return forget(program);
  program.idle = deadlines.add(now + options.program_idle, ProgramIdle{&program});
}

void Core::State::on_due(ProgramIdle due) {
  due.program->idle.reset();
  log(Log::Level::kInfo, "program " + named(due.program->offer) + " ends: its last client is gone");
  forget(*due.program);
}

void Core::State::forget(Program& program) {
  PENSTOCK_CHECK(program.clients == 0 && !program.coming);
  if (program.idle) deadlines.cancel(*program.idle);
  if (program.stored) emit(DropProgram{program.offer.sha256});
  for (auto& [name, host] : hosts) {
    const auto found = host.programs.find(program.offer.sha256);
    if (found == host.programs.end()) continue;
    const bool ran = found->second.state != Hosted::State::kFailed;
    host.programs.erase(found);
    if (ran) answer(host);
  }
  programs.erase(program.offer.sha256);
}

// ---- its way here -------------------------------------------------------------------------------

void Core::State::want_program(const Lane& lane) {
  Program* const program = lane.client->program;
  if (program == nullptr || !needs(*lane.requirement, *program) || is_there(pools, *program)) return;
  program->wanted = true;
  program->used = ++moment;
  bring(*program);
}

bool Core::State::is_uploading(const Lane& lane) const {
  const Program* const program = lane.client->program;
  if (program == nullptr || !needs(*lane.requirement, *program) || is_there(pools, *program)) return false;
  if (program->coming) return true;
  return std::any_of(hosts.begin(), hosts.end(), [&](const auto& each) {
    const Hosted* const hosted = each.second.find(*program);
    return hosted != nullptr && hosted->state != Hosted::State::kFailed;
  });
}

bool Core::State::has_hosts(const Lane& lane) const {
  const Program* const program = lane.client->program;
  return !hosts.empty() && program != nullptr && needs(*lane.requirement, *program);
}

// To all hosts that may have it and have not.
void Core::State::bring(Program& program) {
  if (!program.wanted) return;
  bool is_missed = false;
  for (auto& [name, host] : hosts) is_missed = place(program, host) || is_missed;
  if (is_missed && !program.coming) ask_for(program);
}

// True: it could run there, but its file is not here.
bool Core::State::place(Program& program, Host& host) {
  const auto found = host.programs.find(program.offer.sha256);
  if (found != host.programs.end() &&
      (found->second.state != Hosted::State::kFailed || now - found->second.failed_at < options.code_timeout)) {
    return false;
  }
  if (!program.stored) return true;
  Hosted& hosted = host.programs[program.offer.sha256];
  hosted = {Hosted::State::kFailed, "", now};  // does not count while room is made
  if (!make_room(host)) {
    hosted.failure = "it runs " + counted(orders(host), "program") +
                     ", as many as it may (--max-programs), and all of them have clients";
    return false;
  }
  hosted.state = Hosted::State::kOrdered;
  log(Log::Level::kInfo, "program " + named(program.offer) + " is to run at host " + quoted(host.name));
  answer(host);
  return false;
}

// One that has no client any more ends, if need be. False: all have.
bool Core::State::make_room(Host& host) {
  if (orders(host) < host.max_programs) return true;
  auto oldest = host.programs.end();
  for (auto each = host.programs.begin(); each != host.programs.end(); ++each) {
    const Program& program = *programs.at(each->first);
    if (each->second.state == Hosted::State::kFailed || program.clients > 0) continue;
    if (oldest == host.programs.end() || program.used < programs.at(oldest->first)->used) oldest = each;
  }
  if (oldest == host.programs.end()) return false;
  host.programs.erase(oldest);
  return true;
}

void Core::State::ask_for(Program& program) {
  if (!program.failure.empty() && now - program.failed_at < options.code_timeout) return;
  Client* from = nullptr;
  clients.for_each([&](Client& client) {
    if (client.program == &program && from == nullptr) from = &client;
  });
  if (from == nullptr) return;
  if (!make_room_here()) {
    program.failure = "the scheduler passes on " + counted(options.max_programs, "program") + " already";
    program.failed_at = now;
    return;
  }
  program.failure.clear();
  program.coming = Program::Coming{from->id, deadlines.add(now + options.upload_timeout / 2, ProgramOverdue{&program})};
  log(Log::Level::kInfo, "asks client " + quoted(from->name) + " for program " + named(program.offer) + ", " +
                             std::to_string(program.offer.size) + " bytes");
  emit(SendProgramRequest{from->id, program.offer.sha256, program.offer.size});
}

// Of the files that no host is reading the one goes that was used longest ago. False: all are read.
bool Core::State::make_room_here() {
  const auto takes_room = [](const auto& each) { return each.second->stored || each.second->coming; };
  if (static_cast<std::size_t>(std::count_if(programs.begin(), programs.end(), takes_room)) < options.max_programs) {
    return true;
  }
  Program* oldest = nullptr;
  for (const auto& [sha256, program] : programs) {
    if (!program->stored || is_read(*program)) continue;
    if (oldest == nullptr || program->used < oldest->used) oldest = program.get();
  }
  if (oldest == nullptr) return false;
  oldest->stored = false;
  emit(DropProgram{oldest->offer.sha256});
  return true;
}

bool Core::State::is_read(const Program& program) const {
  return std::any_of(hosts.begin(), hosts.end(), [&](const auto& each) {
    const Hosted* const hosted = each.second.find(program);
    return hosted != nullptr && hosted->state == Hosted::State::kOrdered;
  });
}

void Core::State::stop_coming(Program& program) {
  deadlines.cancel(program.coming->overdue);
  program.coming.reset();
}

Program* Core::State::coming_from(ClientId client, const std::string& sha256) {
  const auto found = programs.find(sha256);
  if (found != programs.end() && found->second->coming && found->second->coming->from == client) {
    return found->second.get();
  }
  ++statistics.counters.dropped_other;
  return nullptr;
}

void Core::State::on(ProgramArrived& event) {
  Program* const program = coming_from(event.client, event.sha256);
  if (program == nullptr) {
    // The client was given up meanwhile; another may be at it by now.
    const auto other = programs.find(event.sha256);
    if (other == programs.end() || (!other->second->stored && !other->second->coming)) emit(DropProgram{event.sha256});
    return;
  }
  stop_coming(*program);
  program->stored = true;
  bring(*program);
  consider_all_waits();
}

void Core::State::on(ProgramFailed& event) {
  if (Program* const program = coming_from(event.client, event.sha256)) {
    stop_coming(*program);
    does_not_come(*program, shortened(event.text, kLongestReason));
  }
}

void Core::State::on_due(ProgramOverdue due) {
  due.program->coming.reset();
  emit(DropProgram{due.program->offer.sha256});
  does_not_come(*due.program, "the client did not send all of it in time");
}

void Core::State::does_not_come(Program& program, std::string why) {
  log(Log::Level::kWarning, "program " + named(program.offer) + " does not come: " + why);
  program.failure = std::move(why);
  program.failed_at = now;
  consider_all_waits();
}

// ---- hosts --------------------------------------------------------------------------------------

void Core::State::on(HostReported& event) {
  auto found = hosts.find(event.name);
  if (found != hosts.end() && found->second.instance != event.instance) {
    // One that was killed and comes back must not wait until it is missed; two of one name must not take turns.
    if (now - found->second.heard <= 2 * options.heartbeat) {
      return emit(RefuseReport{event.report, "a host named " + quoted(event.name) +
                                                 " is connected already; give this one another --name"});
    }
    lose_host(found->second, "started again");
    found = hosts.end();
  }
  const bool is_new = found == hosts.end();
  if (is_new) {
    if (std::string refusal = refusal_of(event); !refusal.empty()) {
      return emit(RefuseReport{event.report, std::move(refusal)});
    }
    if (hosts.size() >= options.max_hosts) {
      return emit(RefuseReport{event.report, "the scheduler has " + counted(hosts.size(), "host") + ", its limit"});
    }
    found = hosts.emplace(event.name, Host{event.name, event.instance, event.max_programs, now}).first;
    log(Log::Level::kInfo, "host " + quoted(event.name) + " accepts programs");
  }
  Host& host = found->second;
  host.heard = now;
  if (host.report != 0) answer(host);  // it does not wait for that one any more
  host.report = event.report;
  const bool has_changed = take_report(host, std::move(event.programs), is_new);
  if (is_new) {
    for (const auto& [sha256, program] : programs) bring(*program);
  }
  if (is_new || has_changed) consider_all_waits();
}

// True: it is not what it was ordered to have.
bool Core::State::take_report(Host& host, std::vector<HostedProgram>&& reported, bool is_new) {
  bool differs = false;
  std::map<std::string, Hosted> missing = host.programs;
  for (HostedProgram& each : reported) {
    if (!refusal_of(each.program, std::numeric_limits<std::uint64_t>::max()).empty()) continue;
    missing.erase(each.program.sha256);
    auto found = host.programs.find(each.program.sha256);
    // The scheduler was started again: what runs goes on.
    if (found == host.programs.end() && is_new && each.running && orders(host) < host.max_programs) {
      Program& program = program_of(each.program);
      program.wanted = true;
      found = host.programs.emplace(each.program.sha256, Hosted{}).first;
      consider_idle(program);
    }
    if (found == host.programs.end() || found->second.state == Hosted::State::kFailed) {
      differs = true;
    } else if (!each.failure.empty()) {
      differs = true;
      found->second = {Hosted::State::kFailed, shortened(each.failure, kLongestReason), now};
      log(Log::Level::kWarning, "program " + named(each.program) + " does not run at host " + quoted(host.name) + ": " +
                                    found->second.failure);
    } else if (each.running) {
      found->second.state = Hosted::State::kRunning;
    }
  }
  for (const auto& [sha256, hosted] : missing) {
    if (hosted.state == Hosted::State::kFailed) continue;
    differs = true;
    if (programs.at(sha256)->stored) continue;  // to be read, again
    host.programs.erase(sha256);
    bring(*programs.at(sha256));
  }
  if (differs) answer(host);
  return differs;
}

void Core::State::answer(Host& host) {
  if (host.report == 0) return;  // with the next one
  SendOrders told{std::exchange(host.report, 0), {}};
  for (const auto& [sha256, hosted] : host.programs) {
    if (hosted.state != Hosted::State::kFailed) told.programs.push_back(programs.at(sha256)->offer);
  }
  emit(std::move(told));
}

void Core::State::answer_hosts() {
  for (auto& [name, host] : hosts) answer(host);
}

void Core::State::lose_host(Host& host, std::string_view why) {
  log(Log::Level::kWarning, "host " + quoted(host.name) + " is lost: " + std::string(why));
  if (host.report != 0) emit(RefuseReport{host.report, std::string(why)});
  hosts.erase(std::string(host.name));
}

void Core::State::lose_silent_hosts() {
  bool any = false;
  for (auto each = hosts.begin(); each != hosts.end();) {
    Host& host = (each++)->second;
    if (now - host.heard <= options.silence) continue;
    lose_host(host, "it does not report any more");
    any = true;
  }
  if (any) consider_all_waits();
}

// ---- what clients are told ----------------------------------------------------------------------

std::string Core::State::upload_text(const Lane& lane) const {
  const Client& client = *lane.client;
  if (!client.no_program.empty()) return " The client offers its program, but " + client.no_program + ".";
  if (client.program == nullptr || !needs(*lane.requirement, *client.program)) return "";
  const Program& program = *client.program;
  if (is_there(pools, program)) return "";  // it is not the code that is missing
  if (!program.failure.empty()) return " The upload of its program failed: " + program.failure;
  if (hosts.empty()) {
    return " The client offers its program, but no worker accepts programs: start some with "
           "penstock-worker --accept-uploads.";
  }
  std::string text;
  std::size_t failed = 0;
  for (const auto& [name, host] : hosts) {
    const Hosted* const hosted = host.find(program);
    if (hosted == nullptr || hosted->state != Hosted::State::kFailed || ++failed > kMostHostsNamed) continue;
    text += (failed == 1 ? "" : "; ") + quoted(name) + ": " + hosted->failure;
  }
  if (failed > kMostHostsNamed) text += "; and " + std::to_string(failed - kMostHostsNamed) + " more";
  if (failed > 0) return " The upload of its program failed. " + text;
  return is_uploading(lane) ? " The upload of its program has not ended in time." : "";
}

}  // namespace penstock::scheduler
