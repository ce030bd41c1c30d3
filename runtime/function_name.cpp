#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/detail/module.hpp"
#include "penstock/detail/registration.hpp"
#include "runtime/elf_symbols.hpp"

namespace penstock::detail {

namespace {

constexpr std::size_t kMaxName = 120;

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

std::string tidy(std::string name) {
  replace_all(name,
              "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
              "std::string");
  replace_all(name, "std::__cxx11::", "std::");
  replace_all(name, "(anonymous namespace)::", "");
  if (name.size() > kMaxName) name = name.substr(0, kMaxName - 3) + "...";
  return name;
}

// Where the parenthesis opens that the one at `close` closes.
std::size_t opening(std::string_view name, std::size_t close) {
  int depth = 0;
  for (std::size_t at = close + 1; at-- > 0;) {
    if (name[at] == ')') ++depth;
    if (name[at] == '(' && --depth == 0) return at;
  }
  return 0;
}

// "int ns::twice<int>(int) const" -> "ns::twice<int>".
std::string without_arguments(std::string name) {
  replace_all(name, "(anonymous namespace)::", "");
  if (const std::size_t close = name.rfind(')'); close != std::string::npos) {
    // "operator()" alone has no arguments to cut.
    const std::size_t open = opening(name, close);
    if (open > 0 && !name.substr(0, close + 1).ends_with("operator()")) name.resize(open);
  }
  int depth = 0;
  for (std::size_t at = name.size(); at-- > 0;) {
    if (name[at] == '>' || name[at] == ')') ++depth;
    if (name[at] == '<' || name[at] == '(') --depth;
    if (name[at] == ' ' && depth == 0 && name.find("operator") == std::string::npos) {
      return name.substr(at + 1);
    }
  }
  return name;
}

// g++: "main::{lambda(double)#1}".
std::string name_of_gnu_lambda(const std::string& name, std::size_t lambda) {
  const std::size_t end = name.find('#', lambda);
  std::string arguments = name.substr(lambda + 1, end - lambda - 1);
  for (int digit = 9; digit > 0; --digit) {
    replace_all(arguments, "auto:" + std::to_string(digit), "auto");
  }
  if (lambda < 2) return arguments;
  return arguments + " in " + without_arguments(name.substr(0, lambda - 2));
}

// clang: "... [F = (lambda at folder/file.cpp:12:3)]".
std::string name_of_clang_lambda(std::string_view pretty, const std::string& fallback) {
  constexpr std::string_view kStart = "(lambda at ";
  const std::size_t start = pretty.find(kStart);
  if (start == std::string_view::npos) return fallback;
  std::string_view place = pretty.substr(start + kStart.size());
  place = place.substr(0, place.find(')'));
  place = place.substr(0, place.rfind(':'));
  return "lambda at " + std::string(place.substr(place.rfind('/') + 1));
}

}  // namespace

std::string demangle(const char* mangled) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : mangled;
}

std::string name_of_class(const std::type_info& type, std::string_view pretty) {
  const std::string name = demangle(type.name());
  if (const std::size_t at = name.rfind("{lambda("); at != std::string::npos) {
    return tidy(name_of_gnu_lambda(name, at));
  }
  if (name.find("$_") != std::string::npos || pretty.find("(lambda at ") != std::string::npos) {
    return tidy(name_of_clang_lambda(pretty, name));
  }
  return tidy(name);
}

std::string name_of_code(const void* address) {
  Dl_info info{};
  if (dladdr(address, &info) != 0 && info.dli_sname != nullptr && info.dli_saddr == address) {
    return tidy(without_arguments(demangle(info.dli_sname)));
  }
  const std::optional<LoadedModule> module = module_of(address);
  if (!module) return "function";
  const std::uint64_t offset = reinterpret_cast<std::uintptr_t>(address) - module->base;
  if (const std::string symbol = function_symbol(module->path, offset); !symbol.empty()) {
    return tidy(without_arguments(demangle(symbol.c_str())));
  }
  char text[32];
  std::snprintf(text, sizeof text, "+0x%llx", static_cast<unsigned long long>(offset));
  return "code at " + module->name + text;
}

ExceptionText describe_exception() {
  ExceptionText what;
  if (const std::type_info* type = abi::__cxa_current_exception_type(); type != nullptr) {
    what.type = tidy(demangle(type->name()));
  }
  try {
    throw;
  } catch (const std::exception& error) {
    what.text = error.what();
  } catch (...) {
    what.text = "unknown exception";
  }
  return what;
}

}  // namespace penstock::detail
