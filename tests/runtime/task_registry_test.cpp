#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "penstock/detail/module.hpp"
#include "penstock/task.hpp"
#include "tests/runtime/codec_values.hpp"
#include "tests/runtime/same_name.hpp"
#include "tests/runtime/task_support.hpp"

namespace penstock::detail {
namespace {

using PluginStage = void (*)(StageSpec&);

int increment(int x) { return x + 1; }

struct Scale {
  std::string name;
  int by = 1;
  int operator()(int x) const { return x * by; }
};

struct Overflow : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A shared library that is loaded as long as this lives.
class Plugin {
 public:
  explicit Plugin(const char* path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    EXPECT_NE(handle_, nullptr) << dlerror();
  }
  ~Plugin() {
    if (handle_ != nullptr) dlclose(handle_);
  }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  StageSpec stage() const {
    StageSpec spec;
    reinterpret_cast<PluginStage>(dlsym(handle_, "plugin_stage"))(spec);
    return spec;
  }
  const void* code() const { return dlsym(handle_, "plugin_stage"); }

 private:
  void* handle_;
};

std::uint32_t tasks_of(const std::string& build_id) {
  for (const Module& module : task_modules()) {
    if (module.build_id == build_id) return module.tasks;
  }
  return 0;
}

TEST(TaskRegistry, KnowsThisProgramAsAModule) {
  const Stage stage = stage_of(map_stage<int>([](int x) { return x; }));
  EXPECT_GT(tasks_of(stage.module), 0U);
  EXPECT_GE(stage.module.size(), 8U);
  EXPECT_FALSE(stage.module_name.empty());
  EXPECT_EQ(stage.module_name.find('/'), std::string::npos);
}

TEST(TaskRegistry, RegistersTasksOfCodeThatNeverRuns) {
  using Task = MapTask<same_name::NeverRun, long>;
  EXPECT_TRUE(make_stage(Task::entry, Task::constants({})).ok());
  using Unregistered = MapTask<same_name::NeverRun, short>;
  EXPECT_EQ(make_stage(Unregistered::entry, "").status().code(), absl::StatusCode::kInternal);
}

TEST(TaskRegistry, TellsFunctionsOfTheSameNameApart) {
  EXPECT_EQ(run_stage<int>(same_name::function_of_file_a(), 100), 101);
  EXPECT_EQ(run_stage<int>(same_name::function_of_file_b(), 100), 102);
  EXPECT_EQ(run_stage<int>(same_name::functor_of_file_a(), 100), 110);
  EXPECT_EQ(run_stage<int>(same_name::functor_of_file_b(), 100), 120);
  EXPECT_NE(same_name::functor_of_file_a().entry, same_name::functor_of_file_b().entry);
}

TEST(TaskRegistry, RegistersAnInlineLambdaOnce) {
  EXPECT_EQ(same_name::inline_stage_of_file_a().entry, same_name::inline_stage_of_file_b().entry);
  EXPECT_EQ(run_stage<int>(same_name::inline_stage_of_file_b(), 1), 8);
}

TEST(TaskRegistry, NamesFunctionsForPeople) {
  const Stage lambda = stage_of(map_stage<int>([](int x) { return x; }));
  EXPECT_EQ(lambda.function.find("lambda"), 0U) << lambda.function;
  EXPECT_EQ(stage_of(map_stage<int>(increment)).function, "penstock::detail::increment");
}

TEST(TaskRegistry, KeepsTwoVersionsOfAPluginApart) {
  const Plugin a(PLUGIN_A);
  const Plugin b(PLUGIN_B);
  const StageSpec stage_a = a.stage();
  const StageSpec stage_b = b.stage();
  EXPECT_NE(stage_a.entry, stage_b.entry);
  EXPECT_EQ(run_stage<int>(stage_a, 10), 20);
  EXPECT_EQ(run_stage<int>(stage_b, 10), 30);
  EXPECT_NE(stage_of(stage_a).module, stage_of(stage_b).module);
}

TEST(TaskRegistry, ForgetsThePluginThatWasUnloaded) {
  Stage stage;
  {
    const Plugin a(PLUGIN_A);
    stage = stage_of(a.stage());
    EXPECT_EQ(tasks_of(stage.module), 1U);
  }
  EXPECT_EQ(tasks_of(stage.module), 0U);
  const absl::Status status = bind_status({stage});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  const Plugin again(PLUGIN_A);
  EXPECT_TRUE(bind_status({stage}).ok());
}

TEST(TaskRegistry, RefusesTasksOfAModuleWithoutABuildId) {
  const Plugin plugin(PLUGIN_WITHOUT_BUILD_ID);
  EXPECT_TRUE(module_of(plugin.code())->build_id.empty());
  const StageSpec spec = plugin.stage();
  const absl::Status status = make_stage(*spec.entry, spec.constants).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "module has no build-id; link with -Wl,--build-id.");
  EXPECT_THROW(reference_to_code(plugin.code()), std::runtime_error);
  for (const Module& module : task_modules()) EXPECT_FALSE(module.build_id.empty());
}

TEST(TaskRegistry, LooksUpWhileAPluginComesAndGoes) {
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!done) EXPECT_EQ(run_stage<int>(map_stage<int>(increment), 1), 2);
    });
  }
  for (int i = 0; i < 50; ++i) {
    const Plugin a(PLUGIN_A);
    EXPECT_EQ(run_stage<int>(a.stage(), 10), 20);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(BoundPlan, RunsStagesInOrder) {
  const BoundPlan plan =
      plan_of({stage_of(map_stage<int>([](int x) { return x + 0.5; })),
               stage_of(map_stage<double>([](double x) { return std::to_string(x); })),
               stage_of(map_stage<std::string>([](const std::string& s) { return s + "!"; }))});
  EXPECT_EQ(value_of<std::string>(run(plan, bytes_of(2))), "2.500000!");
}

TEST(BoundPlan, RunsOnSeveralThreadsAtOnce) {
  const BoundPlan plan = plan_of({stage_of(map_stage<int>(
      [](int x, const std::vector<int>& table) { return table[static_cast<std::size_t>(x)]; },
      std::vector<int>{5, 6, 7}))});
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&plan, i] {
      for (int n = 0; n < 200; ++n) EXPECT_EQ(value_of<int>(run(plan, bytes_of(i))), 5 + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(BoundPlan, ReportsWhatTheFunctionThrew) {
  const auto failure_of = [](const StageSpec& spec) {
    std::string output = "kept";
    const auto failure =
        plan_of({stage_of(map_stage<int>(increment)), stage_of(spec)}).run(bytes_of(1), output);
    EXPECT_EQ(output, "kept");
    return failure.value();
  };
  const auto known = failure_of(
      map_stage<int>([](int x) { return std::vector<int>().at(static_cast<std::size_t>(x)); }));
  EXPECT_TRUE(known.raised);
  EXPECT_EQ(known.type, "std::out_of_range");
  EXPECT_NE(known.text.find("vector"), std::string::npos);
  EXPECT_EQ(known.function.find("lambda"), 0U);
  const auto own = failure_of(map_stage<int>([](int) -> int { throw Overflow("too much"); }));
  EXPECT_EQ(own.type, "penstock::detail::Overflow");
  EXPECT_EQ(own.text, "too much");
  const auto odd = failure_of(map_stage<int>([](int) -> int { throw 5; }));
  EXPECT_EQ(odd.type, "int");
  EXPECT_EQ(odd.text, "unknown exception");
}

TEST(BoundPlan, ReportsInputThatCannotBeDecoded) {
  std::string output;
  const auto failure = plan_of({stage_of(map_stage<int>(increment))}).run("abc", output);
  ASSERT_TRUE(failure.has_value());
  EXPECT_FALSE(failure->raised);
  EXPECT_EQ(failure->text,
            "bad arguments for penstock::detail::increment: truncated: need 4 bytes, have 3");
}

TEST(BoundPlan, ReportsInputWhoseDecodingThrows) {
  const auto spec = map_stage<values::Unreadable>([](const values::Unreadable&) { return 1; });
  std::string output = "kept";
  const auto failure = plan_of({stage_of(spec)}).run(bytes_of(values::Unreadable()), output);
  ASSERT_TRUE(failure.has_value());
  EXPECT_FALSE(failure->raised);
  EXPECT_EQ(failure->text, "bad arguments for " + failure->function + ": unreadable");
  EXPECT_EQ(output, "kept");
}

TEST(BoundPlan, ReportsAResultThatCannotBeEncoded) {
  const auto spec = map_stage<int>([](int) { return values::Unwritable(); });
  std::string output = "kept";
  const auto failure = plan_of({stage_of(spec)}).run(bytes_of(1), output);
  ASSERT_TRUE(failure.has_value());
  EXPECT_FALSE(failure->raised);
  EXPECT_EQ(failure->text,
            "bad result of " + failure->function + ": a message could not be serialised");
  EXPECT_EQ(output, "kept");
}

TEST(BoundPlan, RefusesConstantsWhoseDecodingThrows) {
  const auto spec =
      map_stage<int>([](int x, const values::Unreadable&) { return x; }, values::Unreadable());
  const absl::Status status = bind_status({stage_of(spec)});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find(": unreadable"), std::string::npos) << status;
}

TEST(BoundPlan, RefusesUnknownModules) {
  Stage stage = stage_of(map_stage<int>(increment));
  stage.module = "\x01\xab";
  stage.module_name = "other";
  const absl::Status status = bind_status({stage});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  const std::string text(status.message());
  EXPECT_EQ(text.find("code not available: penstock::detail::increment belongs to other (01ab), "
                      "which this worker does not have. Modules with tasks here: "),
            0U)
      << text;
  EXPECT_NE(text.find("Start the workers with this build of the program (--app), or load its library there (--load)."),
            std::string::npos);
}

TEST(BoundPlan, RefusesOffsetsThatAreNoTask) {
  const Stage good = stage_of(map_stage<int>(increment));
  for (const std::uint64_t offset : {good.offset + 1, std::uint64_t{0}, ~std::uint64_t{0}}) {
    Stage stage = good;
    stage.offset = offset;
    const absl::Status status = bind_status({stage});
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(status.message().find("is none of the tasks"), std::string::npos) << status;
  }
}

TEST(BoundPlan, RefusesAnotherSignature) {
  Stage stage = stage_of(map_stage<int>(increment));
  stage.function = "increment";
  stage.signature = "[*](f8,)->i4";
  const absl::Status status = bind_status({stage});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      status.message(),
      "task 'increment' has a different signature on this worker: caller [*](f8,)->i4, worker "
      "[*](i4,)->i4. Rebuild the task library or the caller.");
}

TEST(BoundPlan, RefusesConstantsThatCannotBeDecoded) {
  const auto spec = map_stage<int>([](int x, const std::string&) { return x; }, "extra");
  const Stage good = stage_of(spec);
  for (std::size_t size = 0; size < good.constants.size(); ++size) {
    Stage stage = good;
    stage.constants.resize(size);
    EXPECT_EQ(bind_status({stage}).code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(BoundPlan, SurvivesMutationsOfEveryFunction) {
  std::mt19937 random(20260101);
  const int factor = 3;
  for (const Stage& good : {stage_of(map_stage<int>(increment)),
                            stage_of(map_stage<int>([factor](int x) { return x * factor; })),
                            stage_of(map_stage<int>(Scale{"by", 2})),
                            stage_of(map_stage<int>([](int x, const std::string&) { return x; }, "extra"))}) {
    ASSERT_TRUE(bind_status({good}).ok());
    for (int i = 0; i < 2'000; ++i) {
      Stage stage = good;
      std::string& changed = i % 4 == 0 ? stage.module : i % 4 == 1 ? stage.signature : stage.constants;
      if (changed.empty() || random() % 8 == 0) {
        changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(random() % (changed.size() + 1)),
                       static_cast<char>(random()));
      } else if (random() % 8 == 0) {
        changed.resize(random() % changed.size());
      } else {
        changed[random() % changed.size()] = static_cast<char>(random());
      }
      const bool same = stage.module == good.module && stage.signature == good.signature;
      const absl::Status status = bind_status({stage});  // never run: its captures are any by now
      EXPECT_TRUE(!status.ok() || same) << status;
      EXPECT_TRUE(status.ok() || !status.message().empty());
    }
  }
}

TEST(BoundPlan, RefusesStagesThatDoNotFitTogether) {
  struct Meters {
    double value = 0;
  };
  struct Feet {
    double value = 0;
  };
  const Stage meters = stage_of(map_stage<int>([](int x) { return Meters{x * 1.0}; }));
  const Stage feet = stage_of(map_stage<Feet>([](const Feet& x) { return x.value; }));
  EXPECT_EQ(bind_status({meters, feet}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(bind_status({}).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Module, HasAReadableBuildId) {
  EXPECT_EQ(to_hex(std::string("\x0f\xa0", 2)), "0fa0");
  const int local = 0;
  EXPECT_FALSE(module_of(&local).has_value());
}

}  // namespace
}  // namespace penstock::detail
