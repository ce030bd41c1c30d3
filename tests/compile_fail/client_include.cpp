// expect only: incomplete type 'penstock::Client'
#include <penstock/runtime.hpp>

int main() { penstock::Client::local(); }
