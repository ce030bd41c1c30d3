// expect: a function that runs on a worker must be blocking; return a value
#include <penstock/task.hpp>

// The shape of asio::awaitable.
template <class T>
struct Awaitable {
  using value_type = T;
  using executor_type = int;
  bool await_ready() const noexcept { return false; }
  template <class U>
  void await_suspend(U) {}
  T await_resume() { return {}; }
};

int main() {
  penstock::detail::map_stage<int>([](int) { return Awaitable<int>(); });
}
