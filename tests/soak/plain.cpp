// Nodes without memory, in all elements.
#include <array>

#include "tests/soak/soak.hpp"

namespace penstock::soak {

void add_plain(Soak& soak) {
  Figures& figures = soak.figures;
  const Number n = static_cast<Number>(soak.n);
  const Stream<long>& numbers = soak.numbers;

  auto& chain = figures.exactly("map.filter.remove.accumulate", total(soak.n, 1, [](long x) {
                                  return (x + 1) % 2 == 0 && (x + 1) % 4 != 0 ? x + 1 : 0;
                                }));
  numbers.map([](long x) { return x + 1; })
      .filter([](long x) { return x % 2 == 0; })
      .remove([](long x) { return x % 4 == 0; })
      .accumulate(kAdd, 0L)
      .sink(last_into(chain));

  const auto pairs = numbers.map([](long x) { return std::pair(x, 1L); });
  pairs.starmap(kAdd).sink(sum_into(figures.exactly("starmap", total(soak.n) + n)));
  pairs.pluck<1>().sink(sum_into(figures.exactly("pluck", n)));

  numbers.partition(7).flatten().sink(sum_into(figures.exactly("partition.flatten", total(soak.n))));
  numbers.map([](long x) { return std::array{x, x}; })
      .concat()
      .sink(sum_into(figures.exactly("concat", 2 * total(soak.n))));
  numbers.slice(5, 1005, 5).sink(count_into(figures.exactly("slice", 200)));

  struct Record {
    std::string text;
    long number;
  };
  soak.tenth.map([](long x) { return Record{"number " + std::to_string(x) + " of a long series", x}; })
      .map([](Record&& record) { return std::move(record); })
      .filter([](const Record& record) { return !record.text.empty(); })
      .pluck(&Record::number)
      .sink(sum_into(figures.exactly("records", total(soak.n, 10))));
}

}  // namespace penstock::soak
