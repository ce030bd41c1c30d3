// Graphs as JSON, as DOT and as pictures.
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "penstock/own_node.hpp"
#include "tests/runtime/join_support.hpp"

namespace penstock {
namespace {

using namespace testing;  // NOLINT: for tests
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
namespace fs = std::filesystem;

int same(int x) { return x; }

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The edges by the names of their nodes.
std::vector<std::string> edges(const nlohmann::json& graph) {
  std::map<std::uint64_t, std::string> names;
  for (const auto& node : graph["nodes"]) names[node["id"]] = node["name"];
  std::vector<std::string> found;
  for (const auto& edge : graph["edges"]) {
    found.push_back(names.at(edge["from"]) + " " + edge["order"].dump() + "->" +
                    edge["input"].dump() + " " + names.at(edge["to"]) +
                    (edge["errors"] ? " (errors)" : ""));
  }
  return found;
}

std::map<std::string, std::string> roles(const NodeHandle& node) {
  std::map<std::string, std::string> found;
  const auto graph = nlohmann::json::parse(node.describe());
  for (const auto& entry : graph["nodes"]) {
    found[entry["name"]] = entry["role"];
  }
  return found;
}

class Describe : public ::testing::Test {
 protected:
  // A folder of its own.
  Describe() {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~Describe() override {
    ::setenv("PATH", path.c_str(), 1);
    fs::remove_all(folder);
  }

  // In place of graphviz.
  void put_program(const std::string& script) {
    std::ofstream(folder / "dot") << "#!/bin/sh\n" << script << "\n";
    fs::permissions(folder / "dot", fs::perms::owner_all);
    ::setenv("PATH", (folder.string() + ":" + path).c_str(), 1);
  }
  static std::string refusal(const NodeHandle& node, const fs::path& file,
                             VisualizeOptions options = {}) {
    try {
      node.visualize(file, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  const fs::path folder = fs::path(::testing::TempDir()) / "penstock-describe-test";
  const std::string path = std::getenv("PATH");
};

TEST_F(Describe, NamesNodesAndTheirEdgesInTheOrderOfConnecting) {
  Stream<int> a;
  Stream<int> b;
  a.named("a");
  b.named("b");
  auto both = b.zip(a, 5);
  both.sink([](const auto&) {}).named("print");
  a.map(same).named("double");
  const auto graph = nlohmann::json::parse(both.describe());
  EXPECT_THAT(edges(graph), ElementsAre("a 0->1 zip", "a 1->0 double", "b 0->0 zip", "zip 0->0 print"));
  EXPECT_EQ(graph["nodes"][0]["kind"], "stream");
  EXPECT_EQ(graph["nodes"][2]["kind"], "zip");
  EXPECT_EQ(both.describe(), a.describe());
}

TEST_F(Describe, GivesEachNodeItsRole) {
  VirtualLoop loop;
  const auto numbers = from_iterable(std::vector{1}, {.loop = loop});
  Stream<int> source;
  Stream<int> relay;
  source.named("source");
  relay.named("relay");
  source.connect(relay);
  numbers.union_with(relay).buffer(1).partition(2).flatten().sink([](int) {});
  EXPECT_EQ(roles(relay), (std::map<std::string, std::string>{{"from_iterable", "source"},
                                                              {"source", "source"},
                                                              {"relay", "map"},
                                                              {"union", "join"},
                                                              {"buffer", "buffer"},
                                                              {"partition", "window"},
                                                              {"flatten", "map"},
                                                              {"sink", "sink"}}));
}

TEST_F(Describe, ShowsDeadLetterStreams) {
  Stream<int> source;
  Stream<Failure> errors;
  errors.named("errors");
  source.map(same).on_error(ErrorPolicy::dead_letter(errors)).sink([](int) {});
  EXPECT_THAT(edges(nlohmann::json::parse(source.describe())),
              ElementsAre("stream 0->0 map", "map 0->0 sink", "map 1->0 errors (errors)"));
}

TEST_F(Describe, FollowsWhatChanges) {
  Stream<int> source;
  auto node = source.map(same);
  node.sink([](int) {});
  node.destroy();
  const auto graph = nlohmann::json::parse(node.describe());
  EXPECT_EQ(graph["nodes"].size(), 2u);
  EXPECT_EQ(graph["edges"].size(), 0u);
}

TEST_F(Describe, EscapesNames) {
  Stream<int> source;
  const std::string name = "say \"hi\" \\ now\nor\tnever \x01 \xC3\xBC";
  source.named(name);
  EXPECT_EQ(nlohmann::json::parse(source.describe())["nodes"][0]["name"], name);
  source.named("not UTF-8: \xFF \xC3(\xED\xA0\x80");
  EXPECT_THAT(nlohmann::json::parse(source.describe())["nodes"][0]["name"].get<std::string>(),
              StartsWith("not UTF-8: \xEF\xBF\xBD \xEF\xBF\xBD("));
}

TEST_F(Describe, WritesDotWithAShapeForEachRoleAndNumbersWhereItBranches) {
  Stream<int> source;
  auto doubled = source.map(same).named("a \"quoted\" & \\ name");
  doubled.buffer(1, {.loop = VirtualLoop()});
  doubled.partition(2);
  for (const char* file : {"graph.dot", "graph.gv"}) {
    source.visualize(folder / file);
    const std::string dot = read(folder / file);
    EXPECT_THAT(dot, StartsWith("digraph penstock {"));
    EXPECT_THAT(dot, HasSubstr("[label=\"stream\", shape=invhouse];"));
    EXPECT_THAT(dot, HasSubstr("[label=\"a \\\"quoted\\\" &amp; \\\\ name\", shape=box];"));
    EXPECT_THAT(dot, HasSubstr("[label=\"buffer\", shape=cylinder];"));
    EXPECT_THAT(dot, HasSubstr("[label=\"partition\", shape=folder];"));
    EXPECT_THAT(dot, HasSubstr(" [label=\"1\"];"));
    EXPECT_THAT(dot, HasSubstr(" [label=\"2\"];"));
    EXPECT_THAT(dot, Not(HasSubstr(" [label=\"3\"];")));
  }
}

// Of a kind that a client makes.
class Hop : public Operator<Hop, int, int> {
 public:
  explicit Hop(Place place) : Operator<Hop, int, int>(std::move(place), "hop") {}
  void receive(int value, Delivery& delivery) { push_down(value, delivery); }
};

TEST_F(Describe, ShowsWhatRunsOnTheCluster) {
  Stream<int> source;
  source.handle(source.attach<Hop>()).sink([](int) {});
  EXPECT_EQ(roles(source)["hop"], "remote");
  source.visualize(folder / "graph.dot");
  EXPECT_THAT(read(folder / "graph.dot"), HasSubstr("[label=\"hop\", shape=component];"));
}

TEST_F(Describe, WritesDotWithNamesOfSeveralLinesAndErrorsDashed) {
  Stream<int> source;
  Stream<Failure> errors;
  source.named("two\nlines\t!").map(same).on_error(ErrorPolicy::dead_letter(errors)).sink([](int) {});
  source.visualize(folder / "graph.dot");
  const std::string dot = read(folder / "graph.dot");
  EXPECT_THAT(dot, HasSubstr("[label=\"two\\nlines !\", "));
  const std::size_t dashed = dot.find(" [style=dashed];");
  EXPECT_NE(dashed, std::string::npos);
  EXPECT_EQ(dot.find("dashed", dashed + 10), std::string::npos);
}

TEST_F(Describe, OfUnknownEndingsAndPlacesIsRefused) {
  Stream<int> source;
  EXPECT_THAT(refusal(source, folder / "graph.pdf"), HasSubstr("must end in .dot, .gv, .svg or .png"));
  EXPECT_THAT(refusal(source, folder / "no-such-folder" / "graph.dot"), HasSubstr("cannot write"));
}

TEST_F(Describe, DrawsThroughGraphviz) {
  ASSERT_EQ(std::system("dot -V 2>/dev/null"), 0) << "graphviz is not installed";
  Stream<int> source;
  source.map(same).named("<&> \"ünusual\" \\N").sink([](int) {});
  source.visualize(folder / "graph.svg");
  EXPECT_THAT(read(folder / "graph.svg"), HasSubstr("<svg"));
  EXPECT_THAT(read(folder / "graph.svg"), HasSubstr("ünusual"));
  source.visualize(folder / "graph.png");
  EXPECT_THAT(read(folder / "graph.png"), StartsWith("\x89PNG"));
  EXPECT_THAT(refusal(source, folder / "no-such-folder" / "graph.svg"), HasSubstr("'dot' failed"));
}

TEST_F(Describe, WithoutGraphvizSaysWhatToInstall) {
  Stream<int> source;
  ::setenv("PATH", folder.c_str(), 1);
  EXPECT_THAT(refusal(source, folder / "graph.svg"),
              HasSubstr("install graphviz, or write a .dot or .gv file"));
}

TEST_F(Describe, SaysWhyGraphvizCannotRun) {
  Stream<int> source;
  put_program("");
  fs::permissions(folder / "dot", fs::perms::owner_read);
  ::setenv("PATH", folder.c_str(), 1);
  EXPECT_THAT(refusal(source, folder / "graph.svg"), HasSubstr("cannot run 'dot': Permission denied"));
}

TEST_F(Describe, SaysThatThereIsNoFreeDescriptor) {
  Stream<int> source;
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;  // for new ones
  ::setrlimit(RLIMIT_NOFILE, &none);
  const std::string why = refusal(source, folder / "graph.svg");
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_THAT(why, HasSubstr("no temporary file: Too many open files"));
}

TEST_F(Describe, TellsWhatGraphvizComplainsOf) {
  Stream<int> source;
  put_program("echo 'no fonts here' >&2; exit 3");
  EXPECT_THAT(refusal(source, folder / "graph.svg"), HasSubstr("'dot' failed: no fonts here"));
}

TEST_F(Describe, DoesNotWaitForEverForGraphviz) {
  Stream<int> source;
  put_program("sleep 600");
  EXPECT_THAT(refusal(source, folder / "graph.svg", {.timeout = 50ms}),
              HasSubstr("did not finish in time"));
  put_program("exec 2>&-; exec sleep 600");
  EXPECT_THAT(refusal(source, folder / "graph.svg", {.timeout = 50ms}),
              HasSubstr("did not finish in time"));
  EXPECT_FALSE(fs::exists(folder / "graph.svg"));
}

}  // namespace
}  // namespace penstock
