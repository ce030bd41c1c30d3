# Turns files into a .cpp with their bytes, the definition of find_asset() (assets.hpp).
#   cmake -DOUTPUT=assets.cpp "-DFILES=pages/a.html;pages/b.css" -P embed.cmake
# A file's name without its folder is its asset's name.
set(arrays "")
set(entries "")
set(index 0)
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" bytes HEX)
  file(SHA256 "${file}" digest)
  string(SUBSTRING "${digest}" 0 16 digest)
  string(LENGTH "${bytes}" length)
  math(EXPR length "${length} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char kFile${index}[] = {${bytes}0x00};\n")
  string(APPEND entries
         "    asset(\"${name}\", \"\\\"${digest}\\\"\", kFile${index}, ${length}),\n")
  math(EXPR index "${index} + 1")
endforeach()

file(WRITE "${OUTPUT}.new" "// Written by embed.cmake.
#include \"scheduler/dashboard/assets.hpp\"

#include <algorithm>
#include <array>
#include <cstddef>

namespace penstock::scheduler {
namespace {

${arrays}
Asset asset(std::string_view name, std::string_view etag, const unsigned char* bytes,
            std::size_t size) {
  return {name, etag, {reinterpret_cast<const char*>(bytes), size}};
}

}  // namespace

const Asset* find_asset(std::string_view name) {
  static const std::array<Asset, ${index}> assets = {
${entries}  };
  const auto found = std::find_if(assets.begin(), assets.end(),
                                  [name](const Asset& one) { return one.name == name; });
  return found == assets.end() ? nullptr : &*found;
}

}  // namespace penstock::scheduler
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
