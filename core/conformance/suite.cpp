#include "core/conformance/suite.hpp"

#include <exception>
#include <functional>

namespace skerry::conformance {
namespace {

bool concerns(const Check& check, const plugin::Feature& feature) {
  const std::string kind = feature.kind.substr(0, feature.kind.find('/'));
  return check.kind == kind || check.kind == std::string("*");
}

Json config_for(const Options& options, const Case& which) {
  if (which.feature == nullptr) return Json::object();
  for (const std::string& key : {which.feature->id, std::string()}) {
    const auto found = options.configs.find(key);
    if (found != options.configs.end()) return found->second;
  }
  return Json::object();
}

// Each case has its own numbers, whichever others run.
std::uint64_t seed_for(const Options& options, const Case& which) {
  return options.seed ^ std::hash<std::string>{}(which.label());
}

}  // namespace

std::string Case::label() const {
  return feature == nullptr ? check->name : feature->id + "/" + check->name;
}

std::string verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return "passed";
    case Verdict::failed:
      return "failed";
    case Verdict::skipped:
      return "skipped";
  }
  return {};
}

std::vector<Case> cases_of(const PluginFile& file) {
  std::vector<Case> cases;
  for (const Check& check : all_checks())
    if (*check.kind == '\0') cases.push_back({&check, nullptr});
  for (const plugin::Feature& feature : file.manifest.features) {
    for (const Check& check : all_checks())
      if (concerns(check, feature)) cases.push_back({&check, &feature});
  }
  return cases;
}

Outcome run_here(const PluginFile& file, const Case& which, const Options& options) {
  try {
    Subject subject(file, which.feature, config_for(options, which), seed_for(options, which));
    if (options.known_not_to_open) subject.forbid_code();
    which.check->run(subject);
    return {};
  } catch (const Failed& failed) {
    return {Verdict::failed, failed.message, {}};
  } catch (const Skipped& skipped) {
    return {Verdict::skipped, skipped.reason, {}};
  } catch (const std::exception& error) {
    return {Verdict::failed,
            std::string("an exception came out of it: ") + error.what() +
                "; catch everything inside the plugin: the host may be built with another library",
            {}};
  }
}

}  // namespace skerry::conformance
