// Published values: the scheduler knows who has which name, and brings questions and answers together. The values
// stay with their clients.
#include <algorithm>
#include <utility>

#include "scheduler/core/state.hpp"
#include "scheduler/core/wording.hpp"

namespace penstock::scheduler {

template <typename Unwanted>
std::vector<Asked> Core::State::take_asked(Unwanted unwanted) {
  std::vector<Asked> taken;
  const auto end = std::stable_partition(asked.begin(), asked.end(), [&](const Asked& one) { return !unwanted(one); });
  std::move(end, asked.end(), std::back_inserter(taken));
  asked.erase(end, asked.end());
  return taken;
}

void Core::State::on(NamePublished& event) {
  Client* const client = hear(event.client);
  if (client == nullptr) return;
  std::string refusal = refusal_of_name(event.name, event.signature);
  const auto found = published.find(event.name);
  if (refusal.empty() && found != published.end() && found->second.owner != client->id) {
    const Client* const owner = clients.find(found->second.owner);
    refusal = quoted(event.name) + " is published by client " + quoted(owner != nullptr ? owner->name : "") +
              " already: withdraw it there, or choose another name";
  }
  if (refusal.empty() && found == published.end() && published.size() >= options.max_published) {
    refusal = "the scheduler has " + counted(published.size(), "published value") + ", its limit: withdraw some";
  }
  const bool refused = !refusal.empty();
  emit(SendAnswer{client->id, event.request, std::move(refusal)});
  if (refused) return;
  published[event.name] = {client->id, std::move(event.signature)};
  for (Asked& question : take_asked([&](const Asked& one) { return one.name == event.name; })) ask_owner(question);
}

void Core::State::on(NameWithdrawn& event) {
  if (hear(event.client) == nullptr) return;
  const auto found = published.find(event.name);
  if (found == published.end() || found->second.owner != event.client) {
    ++statistics.counters.dropped_other;
    return;
  }
  published.erase(found);
}

void Core::State::on(NamesAsked& event) {
  if (hear(event.client) == nullptr) return;
  SendAnswer answer{event.client, event.request, ""};
  for (const auto& [name, value] : published) answer.names.push_back(name);
  emit(std::move(answer));
}

void Core::State::on(NameAsked& event) {
  Client* const client = hear(event.client);
  if (client == nullptr) return;
  if (std::string refusal = refusal_of_name(event.name, event.signature); !refusal.empty()) {
    emit(SendAnswer{event.client, event.request, std::move(refusal)});
    return;
  }
  if (asked.size() >= options.max_asked) {
    emit(SendAnswer{event.client, event.request, "too many clients wait for published values"});
    return;
  }
  Asked question{event.client, event.request, std::move(event.name), std::move(event.signature), event.lost, {}};
  published.contains(question.name) ? ask_owner(question) : asked.push_back(std::move(question));
}

// Keeps the question until the answer is there.
void Core::State::ask_owner(Asked& question) {
  const Published& value = published.at(question.name);
  if (value.signature != question.signature) {
    emit(SendAnswer{question.asker, question.request,
                    "what is published as " + quoted(question.name) + " has another type: its signature is " +
                        shortened(value.signature, 256) + ", asked for is " + shortened(question.signature, 256)});
    return;
  }
  question.owner = value.owner;
  emit(SendNameAsked{value.owner, question.asker, question.request, question.name, question.lost});
  asked.push_back(std::move(question));
}

void Core::State::on(QuestionForgotten& event) {
  if (hear(event.client) == nullptr) return;
  take_asked([&](const Asked& one) { return one.asker == event.client && one.request == event.request; });
}

void Core::State::on(ValueGiven& event) {
  if (hear(event.client) == nullptr) return;
  const auto given = take_asked([&](const Asked& one) {
    return one.owner == event.client && one.asker == event.asker && one.request == event.request;
  });
  if (given.empty()) {
    ++statistics.counters.dropped_other;
    return;
  }
  SendAnswer answer{event.asker, event.request, std::move(event.error)};
  answer.value = std::move(event.value);
  answer.kept = event.kept;
  emit(std::move(answer));
}

void Core::State::forget_names(const Client& client) {
  std::erase_if(published, [&](const auto& value) { return value.second.owner == client.id; });
  take_asked([&](const Asked& one) { return one.asker == client.id; });
  // Whoever comes back publishes again: they wait for that.
  for (Asked& one : asked) {
    if (one.owner == client.id) one.owner = {};
  }
}

}  // namespace penstock::scheduler
