#include "worker/options.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include "proto/address.hpp"
#include "proto/resources.hpp"
#include "tests/runtime/temp_folder.hpp"
#include "worker/environment.hpp"

namespace penstock::worker {
namespace {

ParsedOptions parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "penstock-worker");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(WorkerOptions, TakesAProgramWithItsArguments) {
  const auto parsed = parse({"--app", "/bin/true", "--threads", "3", "--memory-limit", "4GiB",
                             "--max-value-bytes", "500MB", "--workers", "2", "--", "--fast", "input.csv"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_EQ(parsed.options->app, "/bin/true");
  EXPECT_EQ(parsed.options->app_args, (std::vector<std::string>{"--fast", "input.csv"}));
  EXPECT_EQ(parsed.options->threads, 3u);
  EXPECT_EQ(parsed.options->memory_limit, 4ull << 30);
  EXPECT_EQ(parsed.options->max_value_bytes, 500'000'000u);
  EXPECT_EQ(parsed.options->workers, 2u);
  EXPECT_EQ(parsed.options->scheduler, "127.0.0.1:8786");
}

TEST(WorkerOptions, TellsNoLimitOfValuesFromNone) {
  EXPECT_EQ(parse({"--app", "/bin/true"}).options->max_value_bytes, std::nullopt);
  EXPECT_EQ(parse({"--app", "/bin/true", "--max-value-bytes", "0"}).options->max_value_bytes, 0u);
}

TEST(WorkerOptions, TakesResources) {
  EXPECT_EQ(parse({"--app", "/bin/true", "--resources", "gpu=2, memory=4GiB"}).options->resources, "gpu=2, memory=4GiB");
  const auto wrong = parse({"--app", "/bin/true", "--resources", "gpu"});
  EXPECT_FALSE(wrong.options);
  EXPECT_NE(wrong.text.find("--resources: \"gpu\" is no resource"), std::string::npos) << wrong.text;
}

TEST(Resources, AreReadAsPeopleWriteThem) {
  using proto_resources::parse;
  EXPECT_EQ(*parse(" gpu = 1,licence=0.5,, memory=4GiB,disk=1.5TB"),
            (proto_resources::Resources{
                {"gpu", 1000}, {"licence", 500}, {"memory", (4ll << 30) * 1000}, {"disk", 1'500'000'000'000'000}}));
  EXPECT_TRUE(parse("")->empty());
  for (const char* wrong : {"gpu", "=1", "gpu=", "gpu=0", "gpu=-1", "gpu=1x", "gpu=1e3", "gpu=1.2.3", "gpu=0.0001",
                            "gpu=99999999999999999", "a=1,a=1"}) {
    EXPECT_FALSE(parse(wrong).ok()) << wrong;
  }
}

TEST(WorkerOptions, CompletesTheAddressWithTheDefaultPort) {
  const auto parsed = parse({"--app", "/bin/true", "--scheduler", "mill"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_EQ(parsed.options->scheduler, "mill:8786");
}

TEST(WorkerOptions, ReadsTheEnvironment) {
  setenv("PENSTOCK_SCHEDULER", "river:1", 1);
  const auto parsed = parse({"--app", "/bin/true"});
  unsetenv("PENSTOCK_SCHEDULER");
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_EQ(parsed.options->scheduler, "river:1");
}

TEST(WorkerOptions, ReadsAFile) {
  const testing::TempFolder folder;
  folder.write("worker.toml", "app = \"/bin/true\"\nthreads = 5\n");
  const std::string path = folder / "worker.toml";
  const auto parsed = parse({"--config", path.c_str()});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_EQ(parsed.options->threads, 5u);
}

TEST(WorkerOptions, SaysWhatIsMissing) {
  const auto parsed = parse({});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_EQ(parsed.text,
            "penstock-worker: nothing to run: name a program with --app ./myapp, or a library with "
            "--load libtasks.so, or run what clients bring with --accept-uploads\n");
}

TEST(WorkerOptions, AcceptsNoProgramsUnlessToldTo) {
  EXPECT_FALSE(parse({"--app", "/bin/true"}).options->accept_uploads);
  const auto parsed = parse({"--accept-uploads", "--max-programs", "2"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_TRUE(parsed.options->accept_uploads);
  EXPECT_EQ(parsed.options->max_programs, 2u);
  setenv("PENSTOCK_ACCEPT_UPLOADS", "true", 1);
  EXPECT_TRUE(parse({}).options->accept_uploads);
  unsetenv("PENSTOCK_ACCEPT_UPLOADS");
}

TEST(WorkerOptions, RefusesAProgramThatIsNotThere) {
  EXPECT_EQ(parse({"--app", "/no/such"}).text, "penstock-worker: there is no program /no/such\n");
}

TEST(WorkerOptions, RefusesAProgramThatIsNotExecutable) {
  EXPECT_EQ(parse({"--app", "/etc/passwd"}).text,
            "penstock-worker: /etc/passwd is not executable\n");
}

TEST(WorkerOptions, RefusesALibraryThatIsNotThere) {
  EXPECT_EQ(parse({"--load", "./no.so"}).text, "penstock-worker: there is no library ./no.so\n");
}

TEST(WorkerOptions, ShowsItsHelp) {
  const auto parsed = parse({"--help"});
  EXPECT_FALSE(parsed.options);
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_NE(parsed.text.find("--memory-limit"), std::string::npos);
}

TEST(WorkerOptions, PrintsTheVersion) {
  const auto parsed = parse({"--version"});
  EXPECT_FALSE(parsed.options);
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_TRUE(std::regex_match(parsed.text, std::regex("[0-9]+\\.[0-9]+\\.[0-9]+\n"))) << parsed.text;
}

TEST(WorkerAddress, TakesWhatNamesAScheduler) {
  EXPECT_EQ(*proto_address::complete("10.0.0.1:99"), "10.0.0.1:99");
  EXPECT_EQ(*proto_address::complete("[::1]"), "[::1]:8786");
  EXPECT_EQ(*proto_address::complete("[::1]:5"), "[::1]:5");
  EXPECT_EQ(*proto_address::complete("unix:/run/penstock"), "unix:/run/penstock");
}

TEST(WorkerAddress, RefusesTheRest) {
  for (const char* wrong :
       {"", ":5", "host:", "host:0", "host:70000", "host:x", "::1", "http://host:8786"}) {
    EXPECT_FALSE(proto_address::complete(wrong).ok()) << wrong;
  }
  const auto url = proto_address::complete("http://host:8786").status();
  EXPECT_NE(url.message().find("without http://"), std::string::npos) << url;
}

TEST(WorkerEnvironment, ArrivesAsItWasSent) {
  const Environment sent{.scheduler = "a:1",
                         .name = "w",
                         .threads = 2,
                         .memory_limit = 3,
                         .resources = "gpu=1",
                         .resource_group = "box-2",
                         .max_value_bytes = 7,
                         .load = {"x.so", "/y.so"},
                         .grace = std::chrono::milliseconds(4),
                         .black_box_fd = 5,
                         .supervisor = 6};
  const Variables variables = to_variables(sent);
  const auto read = read_environment([&](const char* name) -> std::optional<std::string> {
    for (const auto& [key, value] : variables) {
      if (key == name) return value;
    }
    return std::nullopt;
  });
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(to_variables(*read), variables);
  EXPECT_EQ(read->max_value_bytes, 7u);
  EXPECT_EQ(read->resources, "gpu=1");
  EXPECT_EQ(read->resource_group, "box-2");
}

TEST(WorkerEnvironment, SaysNothingOfALimitThatWasNotGiven) {
  const Variables variables = to_variables(Environment{});
  const auto read = read_environment([&](const char* name) -> std::optional<std::string> {
    for (const auto& [key, value] : variables) {
      if (key == name) return value;
    }
    return std::nullopt;
  });
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->max_value_bytes, std::nullopt);
}

TEST(WorkerEnvironment, NamesTheVariableThatIsWrong) {
  const auto read = read_environment([](const char* name) -> std::optional<std::string> {
    if (std::string(name) == "PENSTOCK_WORKER_THREADS") return "many";
    return std::nullopt;
  });
  EXPECT_EQ(read.status().message(), "PENSTOCK_WORKER_THREADS is not a number: \"many\"");
}

}  // namespace
}  // namespace penstock::worker
