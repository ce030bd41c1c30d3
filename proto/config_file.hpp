// The configuration files of the programs: `name = value` lines, each naming an option without its dashes.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <istream>
#include <memory>
#include <vector>

namespace penstock::proto_config {

// CLI11 asks the file before the environment. What one process is told should win over what a whole
// installation is told, so lines of options that the environment sets are passed over.
class AfterEnvironment final : public CLI::ConfigTOML {
 public:
  explicit AfterEnvironment(const CLI::App& app) : app_(app) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    auto lines = CLI::ConfigTOML::from_config(input);
    std::erase_if(lines, [this](const CLI::ConfigItem& item) {
      const CLI::Option* option = app_.get_option_no_throw("--" + item.name);
      return option != nullptr && !option->get_envname().empty() &&
             std::getenv(option->get_envname().c_str()) != nullptr;
    });
    return lines;
  }

 private:
  const CLI::App& app_;
};

// Adds --config. An option is taken from the command line, else the environment, else the file.
inline void add_config_file(CLI::App& app) {
  app.set_config("--config", "", "File with these options, one `name = value` a line");
  app.allow_config_extras(CLI::config_extras_mode::error);  // a misspelt line is no option left out
  app.config_formatter(std::make_shared<AfterEnvironment>(app));
}

}  // namespace penstock::proto_config
