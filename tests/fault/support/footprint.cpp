#include "tests/fault/support/footprint.hpp"

#include <fmt/format.h>

#include <fstream>

namespace skerry::fault {

namespace fs = std::filesystem;

std::optional<Footprint> footprint_of(pid_t pid) {
  const fs::path process = fs::path("/proc") / std::to_string(pid);
  Footprint footprint;
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end;
       entry.increment(error))
    ++footprint.descriptors;
  if (error) return std::nullopt;
  std::ifstream status(process / "status");
  for (std::string word; status >> word;) {
    if (word == "Threads:") status >> footprint.threads;
    if (word == "VmRSS:") status >> footprint.resident_kb;
  }
  if (footprint.threads == 0) return std::nullopt;
  return footprint;
}

std::string growth(const Footprint& baseline, const Footprint& now, const Slack& slack) {
  std::string text;
  const auto compare = [&](const char* what, long before, long after, long allowed) {
    if (after > before + allowed)
      text += fmt::format("{} grew from {} to {} ({} more are allowed)\n", what, before, after,
                          allowed);
  };
  compare("descriptors", baseline.descriptors, now.descriptors, slack.descriptors);
  compare("threads", baseline.threads, now.threads, slack.threads);
  compare("resident kB", baseline.resident_kb, now.resident_kb, slack.resident_kb);
  return text;
}

std::vector<fs::path> temporary_files(const fs::path& state) {
  std::vector<fs::path> files;
  for (const char* folder : {"blobs/staging", "uploads", "downloads"}) {
    std::error_code error;
    for (fs::recursive_directory_iterator entry(state / folder, error), end; !error && entry != end;
         entry.increment(error))
      if (entry->is_regular_file()) files.push_back(entry->path());
  }
  return files;
}

}  // namespace skerry::fault
