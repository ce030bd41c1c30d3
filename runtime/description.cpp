#include "penstock/detail/description.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_set>
#include <utility>

#include "penstock/detail/node.hpp"
#include "penstock/detail/source_control.hpp"

namespace penstock::detail {
namespace {

struct RoleOfKind {
  std::string_view kind;
  Role role;
};

// Kinds that do not tell by themselves; a kind that is not here is a map, unless it begins with a word of a
// source or a sink.
constexpr RoleOfKind kRoles[] = {
    {"filenames", Role::kSource},        {"buffer", Role::kBuffer},
    {"delay", Role::kBuffer},            {"rate_limit", Role::kBuffer},
    {"latest", Role::kBuffer},           {"debounce", Role::kBuffer},
    {"throttle", Role::kBuffer},         {"collect", Role::kWindow},
    {"partition", Role::kWindow},        {"partition_unique", Role::kWindow},
    {"sliding_window", Role::kWindow},   {"timed_window", Role::kWindow},
    {"timed_window_unique", Role::kWindow}, {"aggregate", Role::kWindow},
    {"zip", Role::kJoin},                {"combine_latest", Role::kJoin},
    {"zip_latest", Role::kJoin},         {"union", Role::kJoin},
    {"scatter", Role::kRemote},          {"gather", Role::kRemote},
    {"hop", Role::kRemote},              {"settled", Role::kRemote},
    {"assemble", Role::kRemote},         {"key", Role::kRemote},
    {"unkey", Role::kRemote},
};

struct Look {
  std::string_view word;
  std::string_view shape;  // graphviz
};

constexpr Look look(Role role) {
  switch (role) {
    case Role::kSource:
      return {"source", "invhouse"};
    case Role::kSink:
      return {"sink", "house"};
    case Role::kBuffer:
      return {"buffer", "cylinder"};
    case Role::kWindow:
      return {"window", "folder"};
    case Role::kJoin:
      return {"join", "trapezium"};
    case Role::kRemote:
      return {"remote", "component"};
    case Role::kMap:
      break;
  }
  return {"map", "box"};
}

// With the lock of the shape held.
Role role_of(NodeBase& node) {
  const std::string_view kind = node.kind();
  const auto* known = std::find_if(std::begin(kRoles), std::end(kRoles),
                                   [&](const RoleOfKind& entry) { return entry.kind == kind; });
  if (known != std::end(kRoles)) return known->role;
  if (kind.starts_with("sink") || kind.starts_with("to_")) return Role::kSink;
  if (kind.starts_with("from_") || dynamic_cast<SourceControl*>(&node) != nullptr) {
    return Role::kSource;
  }
  const auto inlets = node.inlets();
  if (inlets.size() > 1) return Role::kJoin;
  if (inlets.empty()) return Role::kSource;
  const bool entered = !inlets[0]->from().empty() || !inlets[0]->dead_letters_of().empty();
  return kind == "stream" && !entered ? Role::kSource : Role::kMap;
}

// The length of the UTF-8 sequence at the front, or 0.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2
                             : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (length < 3) return length;
  // Too long for its value, a surrogate, or beyond Unicode.
  const bool wrong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
                     (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F);
  return wrong ? 0 : length;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    valid += length > 0 ? text.substr(0, length) : "\xEF\xBF\xBD";  // U+FFFD
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return valid;
}

void add_json(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

// graphviz reads escapes and HTML entities in labels.
void add_dot(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  out += '"';
}

class Collector {
 public:
  explicit Collector(Graph& graph) : nodes_(graph.nodes()) {}

  Description collect() {
    const std::lock_guard lock(shape_mutex());
    for (const auto& node : nodes_) ids_.insert(node->life()->id());
    for (const auto& node : nodes_) {
      description_.nodes.push_back({node->life()->id(), valid_utf8(node->name()),
                                    valid_utf8(node->kind()), role_of(*node)});
      add_edges(*node);
    }
    return std::move(description_);
  }

 private:
  void add_edges(NodeBase& node) {
    std::size_t order = 0;
    if (auto* outlet = dynamic_cast<OutletBase*>(&node)) {
      for (const auto& entry : outlet->downstreams().entries()) {
        add_edge(node, *entry.inlet, order++, false);
      }
    }
    if (Upstreams* errors = node.dead_letter()) add_edge(node, *errors, order, true);
  }

  // Not to a node that has come meanwhile.
  void add_edge(NodeBase& from, Upstreams& inlet, std::size_t order, bool errors) {
    NodeBase& to = inlet.node();
    if (ids_.count(to.life()->id()) == 0) return;
    const auto inlets = to.inlets();
    const auto input = std::find(inlets.begin(), inlets.end(), &inlet) - inlets.begin();
    description_.edges.push_back({from.life()->id(), to.life()->id(), order,
                                  static_cast<std::size_t>(input), errors});
  }

  const std::vector<std::shared_ptr<NodeBase>> nodes_;
  std::unordered_set<std::uint64_t> ids_;
  Description description_;
};

}  // namespace

Description describe(Graph& graph) { return Collector(graph).collect(); }

std::string to_json(const Description& description) {
  std::string out = "{\"nodes\":[";
  const char* comma = "";
  for (const auto& node : description.nodes) {
    out += std::exchange(comma, ",");
    out += "{\"id\":" + std::to_string(node.id) + ",\"name\":";
    add_json(out, node.name);
    out += ",\"kind\":";
    add_json(out, node.kind);
    out += ",\"role\":";
    add_json(out, look(node.role).word);
    out += '}';
  }
  out += "],\"edges\":[";
  comma = "";
  for (const auto& edge : description.edges) {
    out += std::exchange(comma, ",");
    out += "{\"from\":" + std::to_string(edge.from) + ",\"to\":" + std::to_string(edge.to) +
           ",\"order\":" + std::to_string(edge.order) + ",\"input\":" + std::to_string(edge.input) +
           ",\"errors\":" + (edge.errors ? "true" : "false") + "}";
  }
  return out + "]}";
}

std::string to_dot(const Description& description) {
  const auto branches = [&](std::uint64_t id) {
    return std::count_if(description.edges.begin(), description.edges.end(),
                         [id](const auto& edge) { return edge.from == id && !edge.errors; }) > 1;
  };
  std::string out = "digraph penstock {\n  node [fontname=\"sans-serif\"];\n";
  for (const auto& node : description.nodes) {
    out += "  n" + std::to_string(node.id) + " [label=";
    add_dot(out, node.name);
    out += ", shape=" + std::string(look(node.role).shape) + "];\n";
  }
  for (const auto& edge : description.edges) {
    out += "  n" + std::to_string(edge.from) + " -> n" + std::to_string(edge.to);
    if (edge.errors) {
      out += " [style=dashed]";
    } else if (branches(edge.from)) {
      out += " [label=\"" + std::to_string(edge.order + 1) + "\"]";
    }
    out += ";\n";
  }
  return out + "}\n";
}

}  // namespace penstock::detail
