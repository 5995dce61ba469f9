#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace skerry::testing {

// A folder of the test's own, removed at the end. Its path is short: Unix sockets lie in it.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  // Writes a file and gives its path.
  std::filesystem::path write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

// The whole file; a test fails without it.
std::string read_text(const std::filesystem::path& file);

}  // namespace skerry::testing
