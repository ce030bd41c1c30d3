// Modules are the program and its shared libraries, known by their build-id; code is known by its
// offset in a module. Names of functions would not do: they collide between files and shift between
// builds. All functions are thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>

#include "penstock/detail/export.hpp"

namespace penstock::detail {

struct CodeReference {
  std::string build_id;  // raw bytes, empty when the module was linked without one
  std::uint64_t offset = 0;
};

struct LoadedModule {
  std::string build_id;  // raw bytes
  std::string name;      // file name without folders
  std::string path;      // what to open for its symbols
  std::uintptr_t base = 0;
};

// The module that holds `address`, code or data.
PENSTOCK_EXPORT std::optional<LoadedModule> module_of(const void* address);

// Where the code at `address` is; cached. Throws std::runtime_error when it lies in no module, or
// in one without a build-id.
PENSTOCK_EXPORT CodeReference reference_to_code(const void* address);

// The code at an offset of a module of this process, if an executable segment holds it; otherwise
// nullptr. Cached.
PENSTOCK_EXPORT const void* find_code(const CodeReference& reference);

// "increment", "geometry::area"; "code at app+0x1234" when the symbols were stripped.
PENSTOCK_EXPORT std::string name_of_code(const void* address);

// "lambda(double) in main", "Scale". `pretty` is the __PRETTY_FUNCTION__ of a template of the type;
// clang tells the place of a lambda only there.
PENSTOCK_EXPORT std::string name_of_class(const std::type_info& type, std::string_view pretty);

// The readable form of a mangled name, or the name itself.
PENSTOCK_EXPORT std::string demangle(const char* mangled);

// "3f0c..." of a build-id.
PENSTOCK_EXPORT std::string to_hex(std::string_view bytes);

}  // namespace penstock::detail
