// soak_values [--elements N]: lets N elements (a million) through a distributed stream with a branch, every 50th
// with a result that stays on its worker, and futures beside it. Client, scheduler and workers are processes.
// Fails when a result is wrong, when the memory of one of them grows by more than a tenth and 8 MiB from a fifth
// of the way to the end, or when values are left in shared memory.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <penstock/init.hpp>
#include <penstock/penstock.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/soak/memory.hpp"

namespace penstock::soak {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kLargeEvery = 50;
constexpr std::int64_t kFuturesEvery = 500;
constexpr unsigned kWorkers = 2;

struct Sample {
  std::int64_t number = 0;
  std::string bytes;
};
Sample make(std::int64_t x) { return {x, std::string(x % kLargeEvery == 0 ? 80'000 : 20, 'a')}; }
Sample marked(Sample sample) {
  sample.bytes.back() = 'b';
  return sample;
}
std::int64_t weight(const Sample& sample) {
  return 2 * sample.number + (sample.bytes.back() == 'b' ? static_cast<std::int64_t>(sample.bytes.size()) : 0);
}

// ---- other processes -----------------------------------------------------------------------------

// Values in shared memory of which it has a descriptor.
int shared_values(int process) {
  int count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", error)) {
    const auto target = std::filesystem::read_symlink(entry.path(), error).string();
    if (target.rfind("/memfd:penstock-value-", 0) == 0) ++count;
  }
  return count;
}

// A scheduler with workers, in a process of its own that ends with this one's pipe.
class Cluster {
 public:
  Cluster() {
    int address[2];
    int life[2];
    if (pipe(address) != 0 || pipe(life) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    process_ = fork();
    if (process_ == 0) {
      close(life[1]);
      run(address[1], life[0]);
      _exit(0);
    }
    close(address[1]);
    close(life[0]);
    life_ = life[1];
    char text[256];
    const auto length = read(address[0], text, sizeof text);
    address_.assign(text, length > 0 ? static_cast<std::size_t>(length) : 0);
    close(address[0]);
  }
  ~Cluster() {
    close(life_);
    waitpid(process_, nullptr, 0);
  }

  const std::string& address() const { return address_; }
  int process() const { return process_; }

 private:
  static void run(int address_to, int life) {
    const auto client = Client::local({.workers = kWorkers, .threads = 1, .dashboard = false});
    client.wait_for_workers(kWorkers);
    const std::string address = client.address();
    if (write(address_to, address.data(), address.size()) < 0) return;
    close(address_to);
    char nothing;
    while (read(life, &nothing, 1) > 0) continue;
  }

  pid_t process_ = 0;
  int life_ = 0;
  std::string address_;
};

// Who is looked at, and what they had at a fifth of the way.
class Watch {
 public:
  explicit Watch(std::map<std::string, int> processes) : processes_(std::move(processes)) {}

  void print(std::int64_t elements) const {
    std::printf("%9lld elements", static_cast<long long>(elements));
    for (const auto& [name, process] : processes_) {
      std::printf("   %s %.1f MiB, %d values", name.c_str(), resident_mib(std::to_string(process)), shared_values(process));
    }
    std::printf("\n");
    std::fflush(stdout);
  }

  // Values are freed with the next heartbeat.
  bool all_values_are_freed() const {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (true) {
      int values = 0;
      for (const auto& [name, process] : processes_) values += shared_values(process);
      if (values == 0) return true;
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(20ms);
    }
  }

  void remember() {
    for (const auto& [name, process] : processes_) early_[name] = resident_mib(std::to_string(process));
  }
  bool is_flat() const {
    bool flat = true;
    for (const auto& [name, process] : processes_) {
      const double late = resident_mib(std::to_string(process));
      const bool fits = !kMemoryTells || late <= 1.1 * early_.at(name) + 8;
      flat = flat && fits;
      std::printf("%s%s: %.1f MiB at a fifth of the way, %.1f MiB at the end\n", fits ? "" : "GROWS: ", name.c_str(),
                  early_.at(name), late);
    }
    return flat;
  }

 private:
  const std::map<std::string, int> processes_;
  std::map<std::string, double> early_;
};

// ---- the stream ----------------------------------------------------------------------------------

// A large and a small one, as arguments and for themselves.
std::int64_t use_futures(const Client& client, std::int64_t x) {
  const auto large = client.submit(make, x * kLargeEvery);
  const auto small = client.map(make, std::vector<std::int64_t>{x * kLargeEvery + 1, x * kLargeEvery + 2});
  const auto weighed = large.then(marked).then(weight);
  std::int64_t sum = weighed.get() + static_cast<std::int64_t>(large.get().bytes.size());
  for (const auto& sample : client.gather(small)) sum += sample.number;
  return sum;
}
constexpr std::int64_t expected_of_futures(std::int64_t x) { return 4 * x * kLargeEvery + 3 + 2 * 80'000; }

bool soak(std::int64_t n) {
  const Cluster cluster;
  const auto client = Client::connect(cluster.address());
  std::map<std::string, int> processes{{"client", getpid()}, {"scheduler", cluster.process()}};
  for (const auto& [name, process] : client.run_on_all([] { return static_cast<int>(getpid()); })) {
    processes.emplace(name, process.get());
  }
  Watch watch(processes);

  std::int64_t weights = 0;
  std::int64_t numbers = 0;
  std::int64_t future_errors = 0;
  bool freed = true;
  {
    Stream<std::int64_t> source;
    const auto samples = source.scatter(client).map(make).map(marked);
    samples.map(weight).gather().sink([&](std::int64_t x) { weights += x; });
    samples.gather().sink([&](const Sample& sample) { numbers += sample.number; });
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t x = 0; x < n; ++x) {
      source.emit(x);
      if (x % kFuturesEvery == 0) future_errors += use_futures(client, x) == expected_of_futures(x) ? 0 : 1;
      if ((x + 1) % (n / 10) == 0) watch.print(x + 1);
      if (x + 1 == n / 5) {
        source.drain();
        freed = watch.all_values_are_freed();
        watch.remember();
      }
    }
    source.drain();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%.0f elements/s\n", static_cast<double>(n) / seconds.count());
  }
  freed = watch.all_values_are_freed() && freed;
  const bool flat = watch.is_flat();
  const std::int64_t large = (n + kLargeEvery - 1) / kLargeEvery;
  const bool right = weights == n * (n - 1) + large * 80'000 + (n - large) * 20 && numbers == n * (n - 1) / 2;
  if (!freed) std::printf("WRONG: values are left in shared memory\n");
  if (!right || future_errors > 0) std::printf("WRONG: results, and those of %lld futures\n", static_cast<long long>(future_errors));
  return flat && freed && right && future_errors == 0;
}

std::int64_t elements(int argc, char** argv) {
  if (argc == 1) return 1'000'000;
  if (argc == 3 && std::strcmp(argv[1], "--elements") == 0) return std::atoll(argv[2]);
  return 0;
}

}  // namespace
}  // namespace penstock::soak

int main(int argc, char** argv) {
  penstock::init();
  const auto n = penstock::soak::elements(argc, argv) / 1000 * 1000;
  if (n <= 0) {
    std::fprintf(stderr, "usage: soak_values [--elements N]: N is a number of thousands\n");
    return 2;
  }
  return penstock::soak::soak(n) ? 0 : 1;
}
