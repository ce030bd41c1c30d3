#include "tests/support/simulation/client_values.hpp"

#include <algorithm>
#include <utility>

namespace penstock::simulation {

ClientProcess::Kept::Kept(ClientProcess& client, const Entry& made_by, const ValuePlace& where)
    : plan(made_by.plan),
      input(recipe_of(made_by.input)),
      run_at(made_by.run_at),
      state(where, client.epoch_),
      client_(client),
      life_(client.life_) {
  client_.values_.insert(this);
}

ClientProcess::Kept::~Kept() {
  if (!life_->alive) return;
  client_.values_.erase(this);
  if (state.is_there()) client_.freed_.emplace_back(state.where(), state.epoch());
}

// ---- inputs -------------------------------------------------------------------------------------

ClientProcess::Input ClientProcess::input_of(detail::Encoded&& from) {
  Input input;
  input.bytes = std::move(from.bytes);
  for (auto& part : from.kept) {
    auto hold = std::static_pointer_cast<Hold>(std::move(part.value));
    input.parts.push_back({part.at, hold->kept, hold, 0});
  }
  return input;
}

ClientProcess::Input ClientProcess::recipe_of(const Input& input) {
  Input recipe = input;
  for (auto& part : recipe.parts) part.hold = nullptr;
  return recipe;
}

// False: it waits for one that is made again, and is sent anew then.
bool ClientProcess::inputs_are_there(std::uint64_t id, Entry& entry) {
  using Need = decltype(Kept::state)::Need;
  bool all = true;
  for (auto& part : entry.input.parts) {
    const Need need = part.value->state.needed_by(id, epoch_);
    if (need == Need::kMake) make_again(part.value);
    all = all && need == Need::kReady;
  }
  return all;
}

void ClientProcess::add_inputs(scheduler::TaskSubmitted& submit, Input& input) {
  std::string bytes;
  PlacedValues values;
  std::size_t done = 0;
  for (auto& part : input.parts) {
    const auto& state = part.value->state;
    part.version = state.version();
    part.place.reset();
    bytes.append(input.bytes, done, part.at - done);
    done = part.at;
    if (state.is_here()) {
      bytes += state.bytes();
    } else {
      part.place = static_cast<std::uint32_t>(values.size());
      values.emplace_back(bytes.size(), state.where());
      if (!submit.pinned) submit.near = state.where().worker;
    }
  }
  bytes.append(input.bytes, done);
  submit.input = absl::Cord(bytes);
  submit.kept = text_of(values);
}

// False: the failure counts, as in the real session.
bool ClientProcess::input_was_lost(std::uint64_t id, const scheduler::Failure& failure) {
  constexpr unsigned kMostLostInputs = 100;
  Entry* const entry = ledger_.find(id);
  if (entry == nullptr) return true;  // cancelled
  if (++entry->lost_inputs > kMostLostInputs) return false;
  entry->lost_workers = failure.lost_workers;
  const auto& lost = failure.lost_inputs;
  for (const auto& part : entry->input.parts) {
    auto& state = part.value->state;
    const bool is_lost = part.place && std::find(lost.begin(), lost.end(), *part.place) != lost.end();
    if (is_lost && state.lose(part.version)) freed_.emplace_back(state.where(), state.epoch());
  }
  send_anew(id);
  return true;
}

// ---- values -------------------------------------------------------------------------------------

void ClientProcess::make_again(const KeptPtr& value) {
  environment_.report.note("make again (client, task)", number_,
                           static_cast<std::uint64_t>(value->state.where().name.task));
  ++environment_.values.made_again;
  Entry entry{value->plan, value->input, std::make_shared<detail::Cell>(), detail::Want::kAnywhere,
              value->run_at, value};
  for (auto& part : entry.input.parts) part.hold = std::make_shared<Hold>(part.value);
  bytes_ += entry.input.bytes.size();
  const auto cell = entry.cell;
  cell->id = ledger_.add(std::move(entry));
  to_send_.push_back(cell->id);
}

void ClientProcess::send_anew(std::uint64_t id) {
  auto entry = ledger_.settle(id);
  if (!entry) return;
  const auto cell = entry->cell;
  cell->id = ledger_.add(std::move(*entry));
  to_send_.push_back(cell->id);
}

void ClientProcess::received_kept(scheduler::SendOutcome&& outcome, std::vector<Settled>& settled) {
  const auto where = ValuePlace::parse(std::string(std::get<absl::Cord>(outcome.result)));
  ++environment_.values.kept;
  const Entry* const sent = ledger_.find(outcome.id);
  if (sent == nullptr) {  // cancelled
    freed_.emplace_back(where, epoch_);
    return;
  }
  if (sent->want == detail::Want::kHere && !sent->makes) return read(outcome.id, where, outcome.run);
  auto entry = take(outcome.id);
  detail::Outcome made{"", nullptr, outcome.run};
  KeptPtr value = entry->makes;
  if (value) {
    for (const auto waiting : value->state.made_there(where, epoch_)) send_anew(waiting);
  } else {
    value = std::make_shared<Kept>(*this, *entry, where);
  }
  made.kept.push_back({0, std::make_shared<Hold>(std::move(value))});
  settled.emplace_back(std::move(*entry), std::move(made));
}

// The outcome of the task that makes it: it came here, or failed.
void ClientProcess::made_again(KeptPtr value, detail::Outcome outcome, std::vector<Settled>& settled) {
  const Hold held(value);  // if nobody else does any more, it goes with this
  if (!outcome.error) {
    for (const auto id : value->state.made_here(outcome.value)) send_anew(id);
    return;
  }
  for (const auto id : value->state.failed()) {
    auto entry = take(id);
    if (!entry) continue;
    const KeptPtr makes = entry->makes;  // another value, of this one
    settled.emplace_back(std::move(*entry), outcome);
    if (makes) made_again(makes, outcome, settled);
  }
}

void ClientProcess::read(std::uint64_t id, const ValuePlace& where, Duration run) {
  reading_.push_back({where, epoch_});
  after_in_process(environment_.latency(), [this, id, where, run, epoch = epoch_] {
    const auto value = environment_.read_value(where);
    reading_.erase(std::find(reading_.begin(), reading_.end(), Freed{where, epoch}));
    freed_.emplace_back(where, epoch);
    if (!value) {
      send_anew(id);
    } else if (auto entry = take(id)) {
      entry->cell->settle({*value, nullptr, run});
    }
    write();
  });
}

bool ClientProcess::needs(const ValuePlace& place) const {
  if (std::find(reading_.begin(), reading_.end(), Freed{place, epoch_}) != reading_.end()) return true;
  return std::any_of(values_.begin(), values_.end(), [&](const Kept* value) {
    return value->holds > 0 && value->state.is_there(epoch_) && value->state.where() == place;
  });
}

void ClientProcess::add_freed(FromClient& batch) {
  for (const KeptPtr& value : std::exchange(let_go_, {})) {
    if (value->holds > 0) continue;  // somebody needs it again
    if (value->state.let_go()) freed_.emplace_back(value->state.where(), value->state.epoch());
  }
  for (const auto& [place, epoch] : std::exchange(freed_, {})) {
    environment_.report.note("freed (client, task, epoch)", number_, static_cast<std::uint64_t>(place.name.task),
                             epoch);
    if (epoch == epoch_) batch.freed.push_back({{}, place.worker, {place.name}});
  }
}

}  // namespace penstock::simulation
