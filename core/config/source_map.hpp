#pragma once

#include <map>
#include <string>
#include <string_view>

namespace skerry::config {

struct Location {
  std::string file;  // as the user wrote it
  int line = 0;      // from 1; 0 when only the file is known
};

// Where each value of a document stands in its file, by JSON pointer ("/spec/rounds").
class SourceMap {
 public:
  SourceMap() = default;
  explicit SourceMap(std::string file) { set("", {std::move(file), 0}); }

  void set(std::string pointer, Location location);

  // Of the value, or of the nearest value around it that has one.
  Location locate(std::string_view pointer) const;

  // locate() as "job.yaml:7"; empty when nothing is known.
  std::string where(std::string_view pointer) const;

  // Takes over the locations at and below `from_pointer` of another map, as those at and below
  // `to_pointer`.
  void graft(const SourceMap& from, const std::string& from_pointer, const std::string& to_pointer);

 private:
  std::map<std::string, Location, std::less<>> locations_;
};

// "/spec/a~1b" from "/spec" and "a/b".
std::string child(std::string_view pointer, std::string_view key);
std::string child(std::string_view pointer, std::size_t index);

// "spec.dataset.config.cell[0]" from "/spec/dataset/config/cell/0", for people.
std::string field_of(std::string_view pointer);

}  // namespace skerry::config
