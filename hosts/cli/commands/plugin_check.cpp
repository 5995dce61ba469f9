// skerry plugin check: the conformance suite, and a summary that says what to do.
#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <regex>

#include "core/base/suggest.hpp"
#include "core/conformance/suite.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/view/problems.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {
namespace {

using conformance::Case;
using conformance::Outcome;
using conformance::Verdict;

constexpr std::size_t kLogLines = 20;

struct Done {
  Case which;
  Outcome outcome;
  bool counts;  // its failure fails the plugin
};

tl::unexpected<Problem> bad_option(const std::string& option, const std::string& message) {
  return fail(Code::invalid_argument, message, {}, option);
}

// "{...}" or "ID={...}".
Status add_config(const std::string& text, const conformance::PluginFile& file,
                  conformance::Options& options) {
  const std::size_t brace = text.find('{');
  const std::size_t equals = std::min(text.find('='), text.size());
  const bool named = equals < brace && brace != text.npos;
  const std::string id = named ? text.substr(0, equals) : "";
  std::vector<std::string> ids;
  for (const auto& feature : file.manifest.features) ids.push_back(feature.id);
  if (named && std::find(ids.begin(), ids.end(), id) == ids.end()) {
    return bad_option("--config", "the plugin has no feature \"" + id + "\"" +
                                      did_you_mean(id, ids) +
                                      " It has: " + fmt::format("{}", fmt::join(ids, ", ")));
  }
  auto config = parse_json(named ? text.substr(equals + 1) : text);
  if (!config || !config->is_object()) {
    return bad_option(
        "--config",
        "found " + text + ", expected a JSON object, as '{\"key\": 1}' or 'ID={\"key\": 1}'");
  }
  options.configs[id] = std::move(*config);
  return {};
}

Result<std::regex> pattern_of(const std::string& text) {
  try {
    return std::regex(text);
  } catch (const std::regex_error& error) {
    return bad_option("--include", "\"" + text + "\" is no regular expression: " + error.what());
  }
}

// What the plugin printed last, or the report of its crash.
std::string excerpt(const std::string& log) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < log.size();) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    if (end > at) lines.push_back(log.substr(at, end - at));
    at = end + 1;
  }
  const std::size_t from = lines.size() > kLogLines ? lines.size() - kLogLines : 0;
  std::string text;
  for (std::size_t i = from; i < lines.size(); ++i)
    text += "        | " + printable(lines[i]) + "\n";
  return text;
}

void print_line(const Style& style, const Done& done) {
  const auto [word, tone] = [&]() -> std::pair<const char*, Tone> {
    switch (done.outcome.verdict) {
      case Verdict::passed:
        return {"ok", Tone::good};
      case Verdict::skipped:
        return {"skip", Tone::faint};
      case Verdict::failed:
        break;
    }
    return done.counts ? std::pair{"FAIL", Tone::bad} : std::pair{"hint", Tone::warning};
  }();
  std::printf("  %s%*s %s\n", paint(style, tone, word).c_str(),
              static_cast<int>(4 - std::string_view(word).size()), "",
              printable(done.which.label()).c_str());
  if (done.outcome.verdict == Verdict::passed) return;
  std::printf("        %s\n", printable(done.outcome.message).c_str());
  if (done.outcome.verdict == Verdict::failed)
    std::fputs(excerpt(done.outcome.log).c_str(), stdout);
}

Json as_json(const Done& done) {
  return {{"name", done.which.label()},
          {"level", static_cast<int>(done.which.check->level)},
          {"rule", done.which.check->rule},
          {"verdict", conformance::verdict_name(done.outcome.verdict)},
          {"counts", done.counts},
          {"message", done.outcome.message},
          {"log", done.outcome.log}};
}

struct Tally {
  int passed = 0, failed = 0, hints = 0, skipped = 0;

  void add(const Done& done) {
    if (done.outcome.verdict == Verdict::passed)
      ++passed;
    else if (done.outcome.verdict == Verdict::skipped)
      ++skipped;
    else
      ++(done.counts ? failed : hints);
  }
  int all() const { return passed + failed + hints + skipped; }
};

void print_summary(const PluginCheck& what, const Tally& tally, const std::string& first_failed) {
  std::printf("\n%d checks with seed %llu: %d passed, %d failed, %d hints, %d skipped\n",
              tally.all(), static_cast<unsigned long long>(what.seed), tally.passed, tally.failed,
              tally.hints, tally.skipped);
  if (tally.skipped > 0)
    std::puts("What was skipped is not known to hold; the lines above say what it needs.");
  if (tally.hints > 0)
    std::puts("Hints do not count at this strictness; --strict 3 makes them count.");
  if (first_failed.empty()) return;
  std::string config;
  for (const std::string& text : what.configs) config += " --config '" + text + "'";
  std::printf(
      "One alone, in this process, for a debugger:\n  gdb --args skerry plugin check %s "
      "--in-process --seed %llu%s "
      "--include '^%s$'\n",
      what.file.c_str(), static_cast<unsigned long long>(what.seed), config.c_str(),
      first_failed.c_str());
}

int list_checks(bool json) {
  Json list = Json::array();
  for (const auto& check : conformance::all_checks()) {
    const std::string kind = *check.kind == '\0'              ? "file"
                             : check.kind == std::string("*") ? "any"
                                                              : check.kind;
    list.push_back({{"name", check.name},
                    {"kind", kind},
                    {"level", static_cast<int>(check.level)},
                    {"rule", check.rule}});
    if (!json)
      std::printf("%-12s %d  %-30s %s\n", kind.c_str(), static_cast<int>(check.level), check.name,
                  check.rule);
  }
  if (json) print_json({{"checks", list}});
  return kOk;
}

Result<std::vector<Case>> chosen_cases(const PluginCheck& what,
                                       const conformance::PluginFile& file) {
  auto pattern = pattern_of(what.include);
  if (!pattern) return fail(pattern.error());
  std::vector<Case> chosen;
  for (const Case& each : conformance::cases_of(file))
    if (std::regex_search(each.label(), *pattern)) chosen.push_back(each);
  if (chosen.empty())
    return bad_option("--include", "no check of this plugin matches \"" + what.include +
                                       "\"; see: skerry plugin check --list");
  return chosen;
}

}  // namespace

int plugin_check_command(const PluginCheck& what) {
  if (what.list) return list_checks(what.json);
  if (what.file.empty())
    return complain(
        {Code::invalid_argument, "which plugin? Give its file, as ./mine.so", {}, "FILE"},
        what.json, kBadInput);
  const auto file = conformance::PluginFile::read(what.file);
  if (!file) return complain(file.error(), what.json, kBadInput);
  conformance::Options options{
      .configs = {}, .seed = what.seed, .limit = std::chrono::seconds(what.timeout)};
  for (const std::string& text : what.configs)
    if (auto added = add_config(text, *file, options); !added)
      return complain(added.error(), what.json, kBadInput);
  const auto cases = chosen_cases(what, *file);
  if (!cases) return complain(cases.error(), what.json, kBadInput);

  const Style style = style_of(stdout);
  if (!what.json)
    std::printf("%s %s (%s)\n", printable(file->manifest.name).c_str(),
                printable(file->manifest.version).c_str(), what.file.c_str());
  Tally tally;
  std::string first_failed;
  Json list = Json::array();
  for (const Case& each : *cases) {
    const auto run = what.in_process ? conformance::run_here : conformance::run_isolated;
    const Done done{each, run(*file, each, options),
                    static_cast<int>(each.check->level) <= what.strict};
    tally.add(done);
    if (each.label() == conformance::kOpens && done.outcome.verdict == Verdict::failed)
      options.known_not_to_open = true;
    if (done.counts && done.outcome.verdict == Verdict::failed && first_failed.empty())
      first_failed = each.label();
    if (what.json)
      list.push_back(as_json(done));
    else
      print_line(style, done);
    std::fflush(stdout);
  }
  if (what.json)
    print_json({{"file", what.file.string()},
                {"seed", what.seed},
                {"strict", what.strict},
                {"failed", tally.failed},
                {"checks", list}});
  else
    print_summary(what, tally, first_failed);
  return tally.failed == 0 ? kOk : kFailed;
}

}  // namespace skerry::cli
