#include "core/runtime/call_record.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::runtime {
namespace {

constexpr std::size_t kDepth = 8;  // deeper calls are counted, not named

struct Frame {
  char plugin[64];
  char digest[72];
  char call[56];
};
struct Record {
  std::atomic<std::uint32_t> depth;
  std::uint32_t reserved;
  Frame frames[kDepth];
};

Record* record = nullptr;
thread_local bool records = false;

template <std::size_t N>
void put(char (&to)[N], std::string_view text) {
  const std::size_t size = std::min(text.size(), N - 1);
  std::memcpy(to, text.data(), size);
  to[size] = '\0';
}

// Text of a stranger: cut at the first byte that is none of a name.
template <std::size_t N>
std::string read(const char (&from)[N]) {
  const char* end = std::find_if(from, from + N, [](char c) { return c < '!' || c > '~'; });
  return std::string(from, end);
}

}  // namespace

Status create_call_record(const std::filesystem::path& file) {
  const std::string zeros(sizeof(Record), '\0');
  SKERRY_ASSIGN(auto fd, open_file(file, O_WRONLY | O_CREAT | O_TRUNC));
  return write_all(fd.get(), as_bytes(zeros), file);
}

std::vector<PluginCall> read_call_record(const std::filesystem::path& file) {
  const auto bytes = read_file(file, sizeof(Record));
  if (!bytes || bytes->size() != sizeof(Record)) return {};
  std::uint32_t depth = 0;
  std::memcpy(&depth, bytes->data(), sizeof depth);
  std::vector<PluginCall> calls;
  for (std::size_t i = 0; i < std::min<std::size_t>(depth, kDepth); ++i) {
    Frame frame;
    std::memcpy(&frame, bytes->data() + offsetof(Record, frames) + i * sizeof frame, sizeof frame);
    PluginCall call{read(frame.plugin), read(frame.digest), read(frame.call)};
    if (!Digest::from_hex(call.digest)) call.digest.clear();
    if (!call.plugin.empty()) calls.push_back(std::move(call));
  }
  return calls;
}

Status open_call_record(const std::filesystem::path& file) {
  SKERRY_ASSIGN(auto fd, open_file(file, O_RDWR));
  void* mapped = ::mmap(nullptr, sizeof(Record), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) return fail(errno_problem(errno, "map", file));
  record = static_cast<Record*>(mapped);
  return {};
}

void record_calls_of_this_thread() {
  records = true;
}

bool in_a_plugin() {
  return record != nullptr && record->depth.load(std::memory_order_acquire) > 0;
}

std::optional<CallText> innermost_call() {
  if (!in_a_plugin()) return std::nullopt;
  const Frame& frame = record->frames[std::min<std::size_t>(record->depth.load(), kDepth) - 1];
  return CallText{frame.plugin, frame.call};
}

CallScope::CallScope(std::string_view plugin, std::string_view digest, std::string_view kind,
                     std::string_view entry)
    : recorded_(record != nullptr && records) {
  if (!recorded_) return;
  const std::uint32_t depth = record->depth.load(std::memory_order_relaxed);
  if (depth < kDepth) {
    Frame& frame = record->frames[depth];
    put(frame.plugin, plugin);
    put(frame.digest, digest);
    std::string call(kind.substr(0, kind.find('/')));
    put(frame.call, call.append(".").append(entry));
  }
  record->depth.store(depth + 1, std::memory_order_release);
}

CallScope::~CallScope() {
  if (recorded_) record->depth.fetch_sub(1, std::memory_order_release);
}

}  // namespace skerry::runtime
