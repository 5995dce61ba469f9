#include "core/engine/worker_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include "core/base/file.hpp"
#include "core/runtime/crash_report.hpp"

namespace skerry::engine {
namespace {

constexpr std::size_t kTail = 16 * 1024;
constexpr std::size_t kShown = 5;

// "/lib/x.so(name+0x1)[0x7f]" to "x.so(name+0x1)".
std::string short_frame(std::string frame, const std::map<std::string, std::string>& names) {
  frame.resize(std::min(frame.size(), frame.find('[')));
  const auto end = std::min(frame.size(), frame.find('('));
  const auto known = names.find(frame.substr(0, end));
  const std::string file =
      std::filesystem::path(known == names.end() ? frame.substr(0, end) : known->second).filename();
  return file + frame.substr(end);
}

}  // namespace

std::string tail_of(const std::filesystem::path& log, std::size_t most) {
  const auto file = open_file(log, O_RDONLY);
  if (!file) return {};
  const off_t size = std::max<off_t>(0, ::lseek(file->get(), 0, SEEK_END));
  const auto wanted = std::min(static_cast<std::size_t>(size), most);
  std::string text(wanted, '\0');
  const ssize_t got =
      ::pread(file->get(), text.data(), wanted, size - static_cast<off_t>(wanted));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::string last_calls(const std::filesystem::path& log) {
  const std::string text = tail_of(log, kTail);
  const auto mark = text.rfind(runtime::kCrashMark);
  if (mark == std::string::npos) return {};
  std::istringstream lines(text.substr(mark));
  std::string line;
  std::getline(lines, line);
  std::vector<std::string> frames;
  std::map<std::string, std::string> names;  // of what was loaded from a copy
  while (std::getline(lines, line) && line != runtime::kCrashEnd) {
    const auto is = line.find(" is ");
    if (is != std::string::npos && line.find('[') == std::string::npos) {
      names[line.substr(0, is)] = line.substr(is + 4);
    } else {
      frames.push_back(line);
    }
  }
  // Up to the C library's return from a signal are those of the report itself.
  auto first = std::find_if(frames.begin(), frames.end(), [](const std::string& frame) {
    return frame.find("libc.so") != std::string::npos;
  });
  if (first != frames.end()) ++first;
  std::string told;
  for (std::size_t i = 0; first != frames.end() && i < kShown; ++first, ++i)
    told += (told.empty() ? "" : " < ") + short_frame(*first, names);
  return told;
}

}  // namespace skerry::engine
