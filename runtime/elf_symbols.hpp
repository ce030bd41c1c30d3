// The symbol table of an ELF file, for names that people read.
#pragma once

#include <cstdint>
#include <string>

namespace penstock::detail {

// The mangled name of the function that starts at `offset` from the base of the module in `path`;
// empty when the file has no symbols, cannot be read or is not sound. Reads the file each time.
std::string function_symbol(const std::string& path, std::uint64_t offset);

}  // namespace penstock::detail
