// Awaitable functions.
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "tests/soak/soak.hpp"

namespace penstock::soak {
namespace {

asio::awaitable<long> now(long x) { co_return x; }
asio::awaitable<long> later(long x) {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  co_return x;
}

}  // namespace

void add_awaiting(Soak& soak) {
  Figures& figures = soak.figures;
  const auto hundredth = soak.tenth.slice(0, std::nullopt, 10);
  const Number sum = total(soak.n, 100);
  hundredth.map(now).sink(sum_into(figures.exactly("map with an awaitable", sum)));
  hundredth.map_async(later, 4).sink(sum_into(figures.exactly("map_async", sum)));
  hundredth.sink([&figure = figures.exactly("sink with an awaitable", sum)](long x) -> asio::awaitable<void> {
    figure += static_cast<Number>(x);
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  });
}

}  // namespace penstock::soak
