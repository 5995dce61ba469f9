#include <fmt/format.h>

#include <algorithm>

#include <cstdio>

#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/run/interrupt.hpp"
#include "hosts/cli/run/job_check.hpp"
#include "hosts/cli/view/problems.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {
namespace {

// "estimator NAME (3,000 parameters)": what stands where, and what is known of it.
std::string in_words(const Json& plugin, std::size_t width) {
  std::string facts;
  constexpr std::pair<const char*, const char*> kFacts[] = {
      {"train", "rows to train on"}, {"holdout", "held out"}, {"parameters", "parameters"}};
  for (const auto& [name, words] : kFacts) {
    const auto value = number_at(plugin, std::string("facts/") + name);
    if (value) facts += fmt::format("{}{:.0f} {}", facts.empty() ? "" : ", ", *value, words);
  }
  return fmt::format("  {:<{}} {} {}{}\n", text_at(plugin, "slot"), width, text_at(plugin, "id"),
                     text_at(plugin, "version"), facts.empty() ? "" : " (" + facts + ")");
}

void show(const std::string& file, const Json& jobs, const std::vector<std::string>& resources) {
  std::string names;
  for (const Json& job : jobs) names += (names.empty() ? "job " : ", job ") + text_at(job, "name");
  for (const std::string& resource : resources) names += (names.empty() ? "" : ", ") + resource;
  std::string text = fmt::format("{}: ok ({})\n", file, names.empty() ? "nothing in it" : names);
  for (const Json& job : jobs) {
    std::size_t width = 12;
    for (const Json& plugin : job.at("plugins"))
      width = std::max(width, text_at(plugin, "slot").size());
    for (const Json& plugin : job.at("plugins")) text += in_words(plugin, width);
  }
  std::fputs(printable(text).c_str(), stdout);
}

}  // namespace

int check_command(const std::filesystem::path& path, std::optional<int> edges, bool json) {
  Interrupt::watch();
  const auto file = read_job_file(path);
  if (!file) return complain(file.error(), json, kBadInput);
  const auto names = names_in(*file);
  if (!names) return complain(names.error(), json, kBadInput);
  Json jobs = Json::array();
  Problems problems;
  for (const std::string& name : names->jobs) {
    const auto job = check_job(*file, {edges, name});
    if (Interrupt::arrived()) return kInterrupted;
    if (job) {
      jobs.push_back({{"name", name}, {"plugins", plugins_of(*job)}});
    } else {
      problems.insert(problems.end(), job.error().begin(), job.error().end());
    }
  }
  if (!problems.empty()) return complain(problems, json, kBadInput);
  if (json) {
    print_json(
        {{"file", path.string()}, {"ok", true}, {"jobs", jobs}, {"resources", names->resources}});
    return kOk;
  }
  show(path.string(), jobs, names->resources);
  return kOk;
}

}  // namespace skerry::cli
