#include "core/plugin/allow_list.hpp"

#include <cstdlib>
#include <memory>
#include <sstream>

#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::plugin {
namespace {

constexpr std::uint64_t kMaxSize = 16u << 20;

std::unique_ptr<const Result<AllowList>> read_active() {
  const char* file = std::getenv(kAllowListVariable);
  if (file == nullptr || *file == '\0') return nullptr;
  return std::make_unique<const Result<AllowList>>(AllowList::read(file));
}

}  // namespace

Result<AllowList> AllowList::read(const std::filesystem::path& file) {
  SKERRY_ASSIGN(const std::string text, read_file(file, kMaxSize));
  AllowList list;
  list.file_ = file;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::string digest = line.substr(0, line.find_first_of(" \t\r"));
    if (digest.empty() || digest.front() == '#') continue;
    if (!Digest::from_hex(digest)) {
      return fail(Code::invalid_argument,
                  "found \"" + digest.substr(0, 80) +
                      "\"; a line begins with a digest of 64 hexadecimal digits, as `b2sum -l 256 "
                      "FILE` writes it, or with #",
                  file.string() + ":" + std::to_string(number));
    }
    list.digests_.insert(digest);
  }
  return list;
}

Status AllowList::check(const std::string& digest, const std::filesystem::path& plugin) const {
  if (digests_.contains(digest)) return {};
  return fail(Code::permission_denied,
              "refused: its digest is not on the allow-list " + file_.string() +
                  "; when you trust it, add the line: " + digest + "  " +
                  plugin.filename().string(),
              plugin.string());
}

const Result<AllowList>* allow_list() {
  static const auto list = read_active();
  return list.get();
}

Status check_allowed(const std::string& digest, const std::filesystem::path& plugin) {
  const auto* list = allow_list();
  if (list == nullptr) return {};
  if (!*list) return fail(list->error());
  return (*list)->check(digest, plugin);
}

}  // namespace skerry::plugin
