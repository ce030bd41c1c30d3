#include "penstock/detail/module.hpp"

#include <elf.h>
#include <link.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace penstock::detail {

namespace {

constexpr std::size_t kMaxCached = 4096;

bool holds(const dl_phdr_info& info, std::uintptr_t address, std::uint32_t flags) {
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info.dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & flags) != flags) continue;
    const std::uintptr_t begin = info.dlpi_addr + segment.p_vaddr;
    if (address >= begin && address - begin < segment.p_memsz) return true;
  }
  return false;
}

std::size_t align_up(std::size_t size, std::size_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

// The build-id among the notes of one segment.
std::string build_id_in(const char* notes, std::size_t size, std::size_t alignment) {
  while (size >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes, sizeof header);
    const std::size_t name_at = sizeof header;
    const std::size_t id_at = name_at + align_up(header.n_namesz, alignment);
    const std::size_t next = id_at + align_up(header.n_descsz, alignment);
    if (id_at + header.n_descsz > size) return {};
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
        std::memcmp(notes + name_at, "GNU", 4) == 0) {
      return std::string(notes + id_at, header.n_descsz);
    }
    if (next >= size) return {};
    notes += next;
    size -= next;
  }
  return {};
}

std::string build_id_of(const dl_phdr_info& info) {
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info.dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* notes = reinterpret_cast<const char*>(info.dlpi_addr + segment.p_vaddr);
    std::string id = build_id_in(notes, segment.p_memsz, segment.p_align == 8 ? 8 : 4);
    if (!id.empty()) return id;
  }
  return {};
}

// The program itself has no name in the linker's list, and its file may be gone or replaced by now:
// /proc/self/exe is still the one that runs.
LoadedModule describe(const dl_phdr_info& info) {
  LoadedModule module;
  module.base = info.dlpi_addr;
  module.build_id = build_id_of(info);
  std::string path = info.dlpi_name == nullptr ? "" : info.dlpi_name;
  module.path = path.empty() ? "/proc/self/exe" : path;
  if (path.empty()) {
    char target[4096];
    const ssize_t length = ::readlink("/proc/self/exe", target, sizeof target);
    path = length > 0 ? std::string(target, static_cast<std::size_t>(length)) : "program";
  }
  module.name = path.substr(path.rfind('/') + 1);
  // What is executed from memory has a name of this kind: "/memfd:app (deleted)".
  constexpr std::string_view kMemory = "memfd:";
  if (module.name.starts_with(kMemory)) {
    module.name = module.name.substr(kMemory.size(), module.name.rfind(" (deleted)") - kMemory.size());
  }
  return module;
}

// Calls `visit` for each module until it returns true.
template <class Visit>
void for_each_module(Visit visit) {
  dl_iterate_phdr([](dl_phdr_info* info, std::size_t,
                     void* data) -> int { return (*static_cast<Visit*>(data))(*info) ? 1 : 0; },
                  &visit);
}

// Changes whenever a module was loaded or unloaded.
std::uint64_t generation() {
  std::uint64_t count = 0;
  for_each_module([&](const dl_phdr_info& info) {
    count = info.dlpi_adds + info.dlpi_subs;
    return true;
  });
  return count;
}

// What was found for a set of loaded modules. A pointer is decoded with every submitted call, and
// walking the modules takes 10 us.
template <class Map>
class Cache {
 public:
  using Key = typename Map::key_type;
  using Found = typename Map::mapped_type;

  template <class Find>
  Found get(const Key& key, Find find) {
    const std::uint64_t now = generation();
    {
      const std::lock_guard lock(mutex_);
      if (now != generation_ || found_.size() >= kMaxCached) found_.clear();
      generation_ = now;
      if (const auto it = found_.find(key); it != found_.end()) return it->second;
    }
    Found found = find(key);
    const std::lock_guard lock(mutex_);
    if (now == generation_) found_.emplace(key, found);
    return found;
  }

 private:
  std::mutex mutex_;
  std::uint64_t generation_ = 0;
  Map found_;
};

CodeReference find_reference(const void* address) {
  const std::optional<LoadedModule> module = module_of(address);
  if (!module) return {};
  return {module->build_id, reinterpret_cast<std::uintptr_t>(address) - module->base};
}

const void* find_address(const std::string& build_id, std::uint64_t offset) {
  const void* code = nullptr;
  for_each_module([&](const dl_phdr_info& info) {
    const std::uintptr_t address = info.dlpi_addr + offset;
    if (!holds(info, address, PF_X) || build_id_of(info) != build_id) return false;
    code = reinterpret_cast<const void*>(address);
    return true;
  });
  return code;
}

}  // namespace

std::optional<LoadedModule> module_of(const void* address) {
  std::optional<LoadedModule> module;
  for_each_module([&](const dl_phdr_info& info) {
    if (!holds(info, reinterpret_cast<std::uintptr_t>(address), 0)) return false;
    module = describe(info);
    return true;
  });
  return module;
}

CodeReference reference_to_code(const void* address) {
  static auto& cache = *new Cache<std::unordered_map<const void*, CodeReference>>;
  CodeReference reference = cache.get(address, find_reference);
  if (reference.build_id.empty()) {
    throw std::runtime_error("module has no build-id; link with -Wl,--build-id.");
  }
  return reference;
}

const void* find_code(const CodeReference& reference) {
  if (reference.build_id.empty()) return nullptr;
  static auto& cache = *new Cache<std::map<std::pair<std::string, std::uint64_t>, const void*>>;
  return cache.get({reference.build_id, reference.offset},
                   [](const auto& key) { return find_address(key.first, key.second); });
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    hex += kDigits[value >> 4];
    hex += kDigits[value & 15];
  }
  return hex;
}

}  // namespace penstock::detail
