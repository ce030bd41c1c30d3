#include "bench/nodes/measure.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> made{0};

}  // namespace

// Not inlined: the compiler would see malloc() and a delete where there is new and free().
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  made.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace penstock::bench {

std::uint64_t allocations() { return made.load(std::memory_order_relaxed); }

}  // namespace penstock::bench

BENCHMARK_MAIN();
