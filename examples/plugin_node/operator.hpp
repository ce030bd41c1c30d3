// What program and plug-in agree on: the operator's type, and the name under which it is found.
#pragma once

#include <penstock/stream.hpp>
#include <string>

// Takes a stream of lines and returns one: what Stream::pipe() applies.
using LineOperator = penstock::Stream<std::string>(const penstock::Stream<std::string>&);

// extern "C" LineOperator line_operator;   in the plug-in
inline constexpr const char* kLineOperator = "line_operator";
