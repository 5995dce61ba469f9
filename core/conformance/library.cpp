// The C interface of skerry/conformance.h.
#include <skerry/conformance.h>

#include <algorithm>
#include <cstring>

#include "core/conformance/suite.hpp"

namespace {

using namespace skerry;
using namespace skerry::conformance;

void put(const std::string& text, char* message, std::uint64_t size) {
  if (message == nullptr || size == 0) return;
  const std::size_t length = std::min<std::size_t>(text.size(), size - 1);
  std::memcpy(message, text.data(), length);
  message[length] = '\0';
}

Outcome run_named(const char* file, const std::string& name, const char* config, std::uint64_t seed,
                  bool isolated) {
  if (file == nullptr || name.empty()) return {Verdict::failed, "file or name is missing", {}};
  const auto plugin = PluginFile::read(file);
  if (!plugin) return {Verdict::failed, plugin.error().text(), {}};
  auto json = parse_json(config == nullptr ? "{}" : config);
  if (!json || !json->is_object())
    return {Verdict::failed, "the configuration is no JSON object", {}};
  const Options options{.configs = {{"", std::move(*json)}}, .seed = seed};
  for (const Case& each : cases_of(*plugin)) {
    if (each.label() == name)
      return isolated ? run_isolated(*plugin, each, options) : run_here(*plugin, each, options);
  }
  return {Verdict::failed, "no check \"" + name + "\" concerns this plugin", {}};
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int32_t skerry_conformance_list(
    const char* file, void (*each)(void*, const char*, int32_t, const char*), void* ctx,
    char* message, uint64_t size) {
  const auto plugin = PluginFile::read(file);
  if (!plugin) {
    put(plugin.error().text(), message, size);
    return -1;
  }
  const auto cases = cases_of(*plugin);
  for (const Case& one : cases)
    each(ctx, one.label().c_str(), static_cast<int32_t>(one.check->level), one.check->rule);
  return static_cast<int32_t>(cases.size());
}

__attribute__((visibility("default"))) int32_t skerry_conformance_run(
    const char* file, const char* name, const char* config, uint64_t seed, int32_t isolated,
    char* message, uint64_t size) {
  const Outcome outcome = run_named(file, name == nullptr ? "" : name, config, seed, isolated != 0);
  put(outcome.log.empty() || outcome.verdict == Verdict::passed
          ? outcome.message
          : outcome.message + "\n" + outcome.log,
      message, size);
  return static_cast<int32_t>(outcome.verdict);
}
}
