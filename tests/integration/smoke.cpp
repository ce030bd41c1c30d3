#include <penstock/penstock.hpp>
#include <chrono>
#include <iostream>
using namespace std::chrono_literals;
int increment(int x) { return x + 1; }
int main(int argc, char** argv) {
  penstock::init();
  const bool threads = argc > 1 && std::string(argv[1]) == "threads";
  const int n = argc > 2 ? atoi(argv[2]) : 100000;
  auto client = penstock::Client::local({.mode = threads ? penstock::LocalOptions::Workers::kThreads : penstock::LocalOptions::Workers::kProcesses, .workers = 2});
  client.wait_for_workers(2);
  std::cout << client.dashboard() << " " << client.workers() << "\n";
  std::cout << client.submit(increment, 41).get() << "\n";
  { auto t = std::chrono::steady_clock::now();
    std::vector<int> in(n); for (int i = 0; i < n; ++i) in[i] = i;
    auto out = client.gather(client.map(increment, in));
    auto d = std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count();
    bool ok = true; for (int i = 0; i < n; ++i) ok &= out[i] == i + 1;
    std::cout << "map+gather " << n / d << " tasks/s " << ok << "\n"; }
  { penstock::Stream<int> source; long sum = 0, count = 0; 
    source.scatter().map(increment).map([](int x) { return x * 2L; }).gather().sink([&](long x) { sum += x; ++count; });
    auto t = std::chrono::steady_clock::now();
    for (int i = 0; i < n; ++i) source.emit(i);
    source.drain();
    auto d = std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count();
    std::cout << "stream " << n / d << " elements/s " << sum << " " << count << "\n"; }
  { std::vector<double> lat; for (int i = 0; i < 2000; ++i) { auto t = std::chrono::steady_clock::now(); client.submit(increment, i).get(); lat.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - t).count()); }
    std::sort(lat.begin(), lat.end()); std::cout << "p50 " << lat[1000] << " us p99 " << lat[1980] << "\n"; }
  { penstock::DistributedStream<int> s; auto out = s.accumulate([](long a, int x) { return a + x; }, 0L).rate_limit(1us).gather().sink_to_vector();
    for (int i = 0; i < 1000; ++i) s.emit(i); s.close(); std::cout << out.values().size() << " " << out.values().back() << "\n"; }
  try { client.submit([](int x) -> int { if (x > 0) throw std::out_of_range("too big"); return x; }, 3).get(); } catch (const penstock::TaskError& e) { std::cout << e.what() << "\n"; }
}
