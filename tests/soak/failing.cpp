// A function that throws, under each policy.
#include <stdexcept>

#include "tests/soak/soak.hpp"

namespace penstock::soak {
namespace {

// Of the elements 0, 1000, 2000, ... every tenth fails.
bool is_bad(long x) { return x % 10'000 == 0; }

long fail_of_bad(long x) {
  if (is_bad(x)) throw std::runtime_error("bad element");
  return x;
}

// Twice for each bad one.
auto fail_first() {
  return [left = std::make_shared<int>(2)](long x) {
    if (is_bad(x) && (*left)-- > 0) throw std::runtime_error("bad element");
    *left = 2;
    return x;
  };
}

}  // namespace

void add_failing(Soak& soak) {
  Figures& figures = soak.figures;
  const auto& in = soak.thousandth;
  const auto bad = static_cast<Number>(soak.n / 10'000);
  const auto good = static_cast<Number>(soak.n / 1000) - bad;

  in.map(fail_of_bad).on_error(ErrorPolicy::skip()).sink(count_into(figures.exactly("skip", good)));

  Stream<Failure> failures(soak.loop);
  failures.map([](const Failure& failure) { return std::any_cast<long>(failure.element); })
      .sink(sum_into(figures.exactly("dead letters", total(soak.n, 10'000))));
  in.map(fail_of_bad)
      .on_error(ErrorPolicy::dead_letter(failures))
      .sink(count_into(figures.exactly("dead_letter", good)));

  in.map(fail_first()).on_error(ErrorPolicy::retry(2)).sink(
      sum_into(figures.exactly("retry", total(soak.n, 1000))));
  in.map(fail_first())
      .on_error(ErrorPolicy::retry(2, 1us))
      .sink(sum_into(figures.exactly("retry with a pause", total(soak.n, 1000))));
  in.map(fail_first()).on_error(ErrorPolicy::retry(1, {}, ErrorPolicy::skip())).sink(
      count_into(figures.between("retry that gives up", good, good)));

  // Nobody waits for what is behind a buffer: its errors go to the handler. So do those of a source's
  // emits.
  auto& raised = figures.exactly("raise", 2 * bad);
  in.map(fail_of_bad).sink(count_into(figures.exactly("raise, the others", good)));
  in.buffer(10, {.loop = soak.loop})
      .map(fail_of_bad)
      .sink(count_into(figures.exactly("raise behind a buffer, the others", good)));
  in.set_error_handler([&raised](std::exception_ptr) { ++raised; });
}

}  // namespace penstock::soak
