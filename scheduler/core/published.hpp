// Values that clients publish under a name, for other clients.
#pragma once

#include <cstdint>
#include <string>

#include "scheduler/core/types.hpp"

namespace penstock::scheduler {

struct Published {
  ClientId owner{};
  std::string signature;  // of its type
};

// A client's question for one of them, without an answer yet.
struct Asked {
  ClientId asker{};
  std::uint64_t request = 0;  // the asker's own number
  std::string name;
  std::string signature;
  bool lost = false;   // it could not be read where the last answer said
  ClientId owner{};    // who was asked; 0: nobody has published it
};

}  // namespace penstock::scheduler
