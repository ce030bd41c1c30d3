// A program that forgot penstock::init().
#include <iostream>
#include <penstock/penstock.hpp>

int main() {
  try {
    penstock::Client::connect("127.0.0.1:1");
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
