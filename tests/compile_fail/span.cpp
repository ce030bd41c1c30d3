// expect: std::string_view, std::span and std::reference_wrapper refer to memory of this process
#include <penstock/codec.hpp>

int main() { (void)penstock::signature_of<std::span<int>>(); }
