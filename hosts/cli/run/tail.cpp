#include "hosts/cli/run/tail.hpp"

#include <algorithm>
#include <fstream>

namespace skerry::cli {
namespace {

constexpr std::streamoff kMost = 16 * 1024;

}  // namespace

std::string tail_of(const std::filesystem::path& file, std::size_t lines) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const std::streamoff size = in.tellg();
  const std::streamoff length = std::min(size, kMost);
  std::string text(static_cast<std::size_t>(length), '\0');
  in.seekg(size - length);
  in.read(text.data(), length);
  text.resize(static_cast<std::size_t>(in.gcount()));
  text.erase(text.find_last_not_of('\n') + 1);
  std::size_t start = text.size();
  for (std::size_t i = 0; i < lines && start != text.npos && start > 0; ++i) {
    start = text.rfind('\n', start - 1);
  }
  return start == text.npos || start == 0 ? text : text.substr(start + 1);
}

std::string log_excerpt(const std::filesystem::path& file, std::size_t lines) {
  const std::string text = tail_of(file, lines);
  if (text.empty()) return {};
  std::string out = "\n  the end of its log:";
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += "\n    " + text.substr(at, end - at);
    at = end + 1;
  }
  return out;
}

}  // namespace skerry::cli
