#include "core/config/paths.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

namespace skerry::config {

namespace fs = std::filesystem;

std::string absolute_path(const std::string& text, const SourceMap* source,
                          const std::string& pointer) {
  constexpr std::string_view scheme = "file://";
  if (text.starts_with(scheme)) {
    return text.substr(scheme.size());
  }
  if (text.empty() || text.find("://") != std::string::npos || source == nullptr) {
    return text;
  }
  const fs::path folder = fs::path(source->locate(pointer).file).parent_path();
  std::error_code error;
  return (fs::absolute(folder.empty() ? fs::path(".") : folder, error) / text)
      .lexically_normal()
      .string();
}

}  // namespace skerry::config
