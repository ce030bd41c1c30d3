// expect: std::string_view, std::span and std::reference_wrapper refer to memory of this process
#include <penstock/task.hpp>

int main() {
  penstock::detail::map_stage<std::string>(
      [](const std::string& s) { return std::string_view(s); });
}
