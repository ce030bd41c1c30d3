// A graph as data: for describe(), visualize() and whoever draws it elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/detail/graph.hpp"
#include "penstock/loop.hpp"

namespace penstock::detail {

// What a node is to those who look at a graph.
enum class Role { kSource, kSink, kMap, kBuffer, kWindow, kJoin, kRemote };

struct Description {
  struct Node {
    std::uint64_t id;  // see NodeLife
    std::string name;  // valid UTF-8
    std::string kind;
    Role role;
  };
  struct Edge {
    std::uint64_t from;
    std::uint64_t to;
    std::size_t order;  // among the edges from there, in the order of connecting, from 0
    std::size_t input;  // of a join, from 0; of the others always 0
    bool errors;        // to a dead-letter stream: not in the order
  };
  std::vector<Node> nodes;  // in the order in which they were made
  std::vector<Edge> edges;  // by `from`, then `order`
};

// All nodes that share the life of a graph. Any thread.
Description describe(Graph& graph);

std::string to_json(const Description& description);
std::string to_dot(const Description& description);

// Writes `file` from DOT text through graphviz's program. `format` is one of its: "svg". Throws Error.
void draw(const std::string& dot, std::string_view format, const std::filesystem::path& file,
          Duration timeout);

}  // namespace penstock::detail
