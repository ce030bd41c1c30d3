#include "runtime/elf_symbols.hpp"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <vector>

namespace penstock::detail {

namespace {

constexpr std::size_t kMaxSections = 10'000;
constexpr std::size_t kSymbolsAtOnce = 4096;
constexpr std::size_t kMaxSymbols = 10'000'000;
constexpr std::size_t kMaxSymbolName = 4096;

// Reads whole records at a place of a file. Places come from the file, so nothing is assumed of
// them.
class ElfFile {
 public:
  explicit ElfFile(const std::string& path) : in_(path, std::ios::binary) {}

  template <class Record>
  bool read(std::uint64_t at, Record* records, std::size_t count) {
    if (at > static_cast<std::uint64_t>(std::numeric_limits<std::streamoff>::max())) return false;
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(at));
    in_.read(reinterpret_cast<char*>(records),
             static_cast<std::streamsize>(count * sizeof(Record)));
    return in_.good();
  }

  std::string text(std::uint64_t at) {
    std::string text;
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(at));
    for (char c = 0; text.size() < kMaxSymbolName && in_.get(c) && c != '\0';) text += c;
    return text;
  }

 private:
  std::ifstream in_;
};

bool sound(const ElfW(Ehdr) & header) {
  return std::equal(header.e_ident, header.e_ident + SELFMAG, ELFMAG) &&
         header.e_ident[EI_CLASS] == (sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32) &&
         header.e_shentsize == sizeof(ElfW(Shdr)) && header.e_shnum <= kMaxSections;
}

std::string find_in(ElfFile& file, const ElfW(Shdr) & table, const ElfW(Shdr) & names,
                    std::uint64_t offset) {
  const std::size_t total = std::min<std::size_t>(table.sh_size / sizeof(ElfW(Sym)), kMaxSymbols);
  std::vector<ElfW(Sym)> symbols(std::min(total, kSymbolsAtOnce));
  for (std::size_t first = 0; first < total; first += symbols.size()) {
    const std::size_t count = std::min(symbols.size(), total - first);
    if (!file.read(table.sh_offset + first * sizeof(ElfW(Sym)), symbols.data(), count)) return {};
    const auto end = symbols.begin() + static_cast<std::ptrdiff_t>(count);
    const auto found = std::find_if(symbols.begin(), end, [&](const ElfW(Sym) & symbol) {
      return ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx != SHN_UNDEF &&
             symbol.st_value == offset;
    });
    if (found != end && found->st_name < names.sh_size) {
      return file.text(names.sh_offset + found->st_name);
    }
  }
  return {};
}

}  // namespace

std::string function_symbol(const std::string& path, std::uint64_t offset) {
  ElfFile file(path);
  ElfW(Ehdr) header;
  if (!file.read(0, &header, 1) || !sound(header)) return {};
  std::vector<ElfW(Shdr)> sections(header.e_shnum);
  if (!file.read(header.e_shoff, sections.data(), sections.size())) return {};
  for (const ElfW(Shdr) & section : sections) {
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections.size()) continue;
    return find_in(file, section, sections[section.sh_link], offset);
  }
  return {};
}

}  // namespace penstock::detail
