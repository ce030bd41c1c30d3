// uploader SCHEDULER TASKS [keep]: offers itself to the workers, unless it is to keep to itself, and prints where its
// tasks ran: "WORKER FILE BUILD", each once, and then how many there were.
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <penstock/penstock.hpp>
#include <penstock/this_task.hpp>
#include <set>
#include <string>
#include <thread>

namespace {

std::string where(int) {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  char file[256];
  const ssize_t size = readlink("/proc/self/exe", file, sizeof file);
  const auto module = penstock::detail::module_of(reinterpret_cast<const void*>(&where));
  return penstock::this_task::worker() + " " + std::string(file, static_cast<std::size_t>(std::max<ssize_t>(size, 0))) +
         " " + penstock::detail::to_hex(module->build_id);
}

}  // namespace

int main(int argc, char** argv) {
  penstock::init();
  if (argc < 3) return 2;
  try {
    const auto client = penstock::Client::connect(argv[1], {.upload = argc == 3});
    penstock::Stream<int> source;
    std::set<std::string> places;
    int count = 0;
    source.scatter(client).map(where).gather().sink([&](const std::string& place) {
      if (places.insert(place).second) std::cout << place << std::endl;
      ++count;
    });
    for (int i = 0; i < std::stoi(argv[2]); ++i) source.emit(i);
    source.drain();
    std::cout << count << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
