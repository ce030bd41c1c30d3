#pragma once

#include <penstock/penstock.hpp>
#include <vector>

std::vector<int> changed_by_other_file(const penstock::Client& client);
