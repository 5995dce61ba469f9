#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "core/base/result.hpp"

namespace skerry::plugin {

// The environment variable that names an operator's list, for a host and the workers it starts.
inline constexpr const char* kAllowListVariable = "SKERRY_PLUGIN_ALLOW";

// Digests of the plugin files that an operator lets run: one a line, then a space and whatever
// helps people, as `b2sum -l 256 *.so` writes it. Lines that begin with # are comments.
class AllowList {
 public:
  static Result<AllowList> read(const std::filesystem::path& file);

  // Refuses a plugin whose digest is not on the list.
  Status check(const std::string& digest, const std::filesystem::path& plugin) const;

 private:
  std::filesystem::path file_;
  std::set<std::string, std::less<>> digests_;
};

// This process's list, read at the first call and kept: a worker can't read it any more once it is
// confined. Null: there is none, and every plugin that is trusted may run. A list that cannot be
// read is a problem, not an absent one.
const Result<AllowList>* allow_list();

// Ok without a list.
Status check_allowed(const std::string& digest, const std::filesystem::path& plugin);

}  // namespace skerry::plugin
