#include "core/engine/worker_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/demangle.hpp"
#include "core/base/file.hpp"
#include "core/runtime/crash_report.hpp"

namespace skerry::engine {
namespace {

constexpr std::size_t kTail = 16 * 1024;
constexpr std::size_t kKept = 1u << 20;
constexpr std::size_t kShown = 5;

// "/lib/x.so(name+0x1)[0x7f]" to "x.so(name+0x1)".
std::string short_frame(std::string frame, const std::map<std::string, std::string>& names) {
  frame = demangled_frame(frame);
  frame.resize(std::min(frame.size(), frame.rfind('[')));
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
  const ssize_t got = ::pread(file->get(), text.data(), wanted, size - static_cast<off_t>(wanted));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

void bound_log(const std::filesystem::path& log, std::uint64_t most) {
  std::error_code error;
  if (std::filesystem::file_size(log, error) <= most || error) return;
  const std::string end = tail_of(log, kKept);
  auto old = log;
  old.replace_extension(".old.log");
  if (const auto file = open_file(old, O_WRONLY | O_CREAT | O_TRUNC))
    static_cast<void>(write_all(file->get(), as_bytes(end), old));
  // Of a file that is appended to, the next line stands at its new end.
  static_cast<void>(::truncate(log.c_str(), 0));
}

void prune_worker_logs(const std::filesystem::path& directory, std::size_t most) {
  std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> logs;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    const auto written = entry->last_write_time(gone);
    if (!gone && entry->path().filename().string().starts_with("worker-"))
      logs.emplace_back(written, entry->path());
  }
  if (logs.size() <= most) return;
  const auto kept = logs.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(logs.begin(), kept, logs.end(), std::greater<>());
  for (auto log = kept; log != logs.end(); ++log) std::filesystem::remove(log->second, error);
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
  // Nor are those of interest in which the library raised the signal, as in abort().
  const auto own = std::find_if(first, frames.end(), [](const std::string& frame) {
    return frame.find("libc.so") == std::string::npos;
  });
  if (own != frames.end()) first = own;
  std::string told;
  for (std::size_t i = 0; first != frames.end() && i < kShown; ++first, ++i)
    told += (told.empty() ? "" : " < ") + short_frame(*first, names);
  return told;
}

}  // namespace skerry::engine
