#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/plugin/manifest.hpp"

namespace skerry::plugin {

// What plugins there are. A scan reads ELF sections only: no code of a plugin runs. Immutable after
// the scan; pointers to features live as long as the catalog (moving it keeps them).
class Catalog {
 public:
  // A feature of the same kind and id, found later in the search path than `used`.
  struct Shadowed {
    Feature feature;
    std::filesystem::path used;
  };

  // Never fails: files that are refused are in problems().
  static Catalog scan(std::vector<std::filesystem::path> search_path);

  // Features that need no file: for tests and simulations.
  static Catalog of(std::vector<Feature> features);

  // A host's copy of a feature's file as it was when a job began: takes the place of what was found
  // under its kind and id. `file`: where the original is, or was.
  Status use_copy(std::string_view kind, std::string_view id, const std::filesystem::path& copy,
                  const std::filesystem::path& file);

  // Not found: the problem names every place searched, files that were refused, and the nearest
  // name.
  Result<const Feature*> find(std::string_view kind, std::string_view id) const;

  // The workflow whose jobs have this resource kind.
  Result<const Feature*> find_resource(std::string_view resource_kind) const;

  const std::vector<Feature>& features() const { return features_; }
  const std::vector<Shadowed>& shadowed() const { return shadowed_; }
  // Files that were refused; `where` is the file.
  const std::vector<Problem>& problems() const { return problems_; }
  const std::vector<std::filesystem::path>& searched() const { return searched_; }
  // "DIR (12 features), DIR (does not exist)"
  std::string describe_places() const;

 private:
  struct Refused {  // a feature in a file that is refused
    std::string kind;
    std::string id;
    Problem problem;
  };

  void scan_directory(const std::filesystem::path& directory);
  void scan_file(const std::filesystem::path& file, const std::filesystem::path& directory,
                 std::vector<Feature>& found);
  void refuse(const std::vector<Feature>& features, Problem problem);
  void drop_duplicates(std::vector<Feature>& found);
  void add(Feature feature);
  const Feature* lookup(std::string_view kind, std::string_view id) const;
  Problem missing(std::string_view kind, std::string_view id) const;
  std::string describe_refused() const;

  std::vector<std::filesystem::path> searched_;
  std::vector<Feature> features_;
  std::vector<Shadowed> shadowed_;
  std::vector<Problem> problems_;
  std::vector<Refused> refused_;
};

// BLAKE2b-256 of the feature's shared library in hex, read when asked: a library may be large.
Result<std::string> file_digest(const Feature& feature);

}  // namespace skerry::plugin
