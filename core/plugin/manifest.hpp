#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"

namespace skerry::plugin {

// One thing that a plugin offers, as its plugin.json describes it. `file` and `search_path` are
// filled in by the catalog.
struct Feature {
  std::string id;       // what a job names
  std::string kind;     // "aggregation/1"
  std::string version;  // of the plugin
  std::string summary;
  std::string license;
  std::string url;
  Json schema;  // of the feature's configuration; an object schema without properties when it takes
                // none
  Json resource;                      // workflows: {"kind": "...", "spec": schema}; otherwise null
  Json requires_;                     // what "requires" says, null when absent
  std::filesystem::path file;         // the shared library, absolute
  std::filesystem::path search_path;  // the directory of the search path that it was found in
  std::filesystem::path copy;         // a host's own copy of `file`, to be loaded in its place

  const std::filesystem::path& code() const { return copy.empty() ? file : copy; }
};

struct Manifest {
  std::string name;
  std::string version;
  std::string summary;
  std::string license;
  std::string url;
  Json build;  // how it was built, as the SDK wrote it
  std::vector<Feature> features;
};

// Checks everything, the schemas' dialect included, so that later readers may rely on types.
// `where` names the file in problems.
Result<Manifest> parse_manifest(std::string_view text, const std::string& where);

}  // namespace skerry::plugin
