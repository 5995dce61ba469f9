#include <charconv>
#include <cstdio>
#include <optional>
#include <sstream>

#include "core/base/suggest.hpp"
#include "core/plugin/elf_file.hpp"
#include "core/plugin/identity.hpp"
#include "core/plugin/search_path.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/operator.hpp"
#include "hosts/cli/commands/plugin_view.hpp"
#include "hosts/cli/view/problems.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {
namespace {

namespace fs = std::filesystem;
using Features = std::vector<plugin::Feature>;

Result<Features> features_in(const fs::path& file) {
  const auto elf = plugin::ElfFile::open(file);
  if (!elf) return fail(elf.error());
  const auto text = plugin::manifest_text(*elf, file);
  if (!text) return fail(text.error());
  const Status entry = plugin::check_exported_entry(*elf, file);
  if (!entry) return fail(entry.error());
  auto manifest = plugin::parse_manifest(*text, file.string());
  if (!manifest) return fail(manifest.error());
  for (plugin::Feature& feature : manifest->features) {
    feature.file = fs::absolute(file).lexically_normal();
    feature.search_path = feature.file.parent_path();
  }
  return std::move(manifest->features);
}

Result<Features> features_named(const std::string& id) {
  const auto catalog = plugin::Catalog::scan(plugin::search_path({}));
  Features found;
  std::vector<std::string> ids;
  for (const plugin::Feature& feature : catalog.features()) {
    if (feature.id == id) found.push_back(feature);
    ids.push_back(feature.id);
  }
  if (!found.empty()) return found;
  return fail(Code::not_found, "no plugin named \"" + id + "\"" + did_you_mean(id, ids) +
                                   "; searched " + catalog.describe_places());
}

// "1.2.0" and "1.2.0-rc1" in numbers; nothing where it has other parts.
std::optional<std::vector<int>> numbers_of(const std::string& version) {
  std::vector<int> numbers;
  std::istringstream parts(version.substr(0, version.find_first_of("-+")));
  for (std::string part; std::getline(parts, part, '.');) {
    int number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
    numbers.push_back(number);
  }
  if (numbers.empty()) return std::nullopt;
  return numbers;
}

// For scripts: nothing is printed but why not.
int answer(const Result<Features>& features, const std::optional<std::vector<int>>& wanted) {
  if (!features) return complain(features.error(), false, kFailed);
  const plugin::Feature& found = features->front();
  const auto version = numbers_of(found.version);
  if (!wanted || (version && *version >= *wanted)) return kOk;
  return complain({Code::failed_precondition,
                   found.id + " is of version " + found.version + ", an older one than asked for",
                   found.file.string(),
                   {}},
                  false, kFailed);
}

bool is_file_name(const std::string& what) {
  return what.find('/') != what.npos || what.ends_with(".so");
}

}  // namespace

int plugin_list_command(const std::string& kind, bool json) {
  const auto catalog = plugin::Catalog::scan(plugin::search_path({}));
  if (json) {
    print_json(catalog_json(catalog, kind));
  } else {
    std::fputs(printable(catalog_text(catalog, kind)).c_str(), stdout);
  }
  return kOk;
}

int plugin_inspect_command(const PluginInspect& inspect) {
  const auto& [what, exists, at_least, json] = inspect;
  const auto wanted = numbers_of(at_least);
  if (!at_least.empty() && !wanted) {
    return complain({Code::invalid_argument,
                     "found \"" + at_least + "\", expected numbers, as 1.2.0",
                     {},
                     "--at-least"},
                    json, kBadInput);
  }
  const auto features = is_file_name(what) ? features_in(what) : features_named(what);
  if (exists || wanted) return answer(features, wanted);
  if (!features) return complain(features.error(), json, kBadInput);
  Json list = Json::array();
  std::string text;
  for (const plugin::Feature& feature : *features) {
    list.push_back(feature_json(feature));
    if (!text.empty()) text += '\n';
    text += feature_text(feature);
  }
  if (json) {
    print_json({{"features", list}});
  } else {
    std::fputs(printable(text).c_str(), stdout);
  }
  return kOk;
}

int plugin_quarantined_command(const Operator& who) {
  return ask(who, {"plugin.quarantined", Json::object()}, [](const Json& reply) {
    const Json& plugins = reply.at("plugins");
    if (plugins.empty()) std::puts("No plugin is in quarantine on the cloud.");
    for (const Json& plugin : plugins) {
      std::fputs(printable(text_at(plugin, "plugin") + " (" + text_at(plugin, "kind") + ") since " +
                           text_at(plugin, "time") + "\n  digest: " + text_at(plugin, "digest") +
                           "\n  because: " + text_at(plugin, "reason") + "\n")
                     .c_str(),
                 stdout);
    }
  });
}

int plugin_allow_command(const Operator& who, const std::string& digest) {
  return ask(who, {"plugin.allow", {{"digest", digest}}}, [](const Json& reply) {
    std::printf("plugin %s may run again on the cloud\n",
                printable(text_at(reply, "plugin")).c_str());
  });
}

}  // namespace skerry::cli
