// no_init [local | SCHEDULER]: a program that forgot penstock::init(), and has a cluster of its own, or offers itself to
// the workers of that scheduler.
#include <iostream>
#include <penstock/penstock.hpp>
#include <string>

int main(int argc, char** argv) {
  try {
    const bool is_asked_to = argc > 1;
    if (is_asked_to && argv[1] == std::string("local")) penstock::Client::local();
    const auto client =
        penstock::Client::connect(is_asked_to ? argv[1] : "127.0.0.1:1", {.upload = is_asked_to});
    std::cout << client.submit([](int x) { return x + 1; }, 1).get() << '\n';
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
