// Runs every piece of code in the guide and compares what it prints with what the guide says.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

#include "tests/docs/snippet.hpp"

namespace penstock::docs {

std::vector<Snippet>& all_snippets() {
  static std::vector<Snippet> all;
  return all;
}

namespace {

// What it printed, and what it threw.
std::string output_of(const Snippet& snippet) {
  std::ostringstream printed;
  auto* const before = std::cout.rdbuf(printed.rdbuf());
  try {
    snippet.run();
  } catch (const std::exception& error) {
    printed << "threw " << error.what() << '\n';
  }
  std::cout.rdbuf(before);
  return printed.str();
}

bool passes(const Snippet& snippet) {
  const std::string printed = output_of(snippet);
  const std::string expected = snippet.expected == nullptr ? "" : snippet.expected;
  if (printed == expected) return true;
  std::cerr << snippet.place << ": printed\n" << printed << "instead of\n" << expected << '\n';
  return false;
}

int run_all() {
  int failed = 0;
  for (const auto& snippet : all_snippets()) failed += passes(snippet) ? 0 : 1;
  std::cerr << all_snippets().size() << " snippets, " << failed << " failed\n";
  return failed == 0 && !all_snippets().empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace penstock::docs

int main() { return penstock::docs::run_all(); }
