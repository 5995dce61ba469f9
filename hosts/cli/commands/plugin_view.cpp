#include "hosts/cli/commands/plugin_view.hpp"

#include <fmt/format.h>

#include "core/config/describe.hpp"
#include "core/config/job.hpp"
#include "core/config/yaml_writer.hpp"
#include "core/plugin/needed_libraries.hpp"
#include "hosts/cli/view/problems.hpp"
#include "hosts/cli/view/text_table.hpp"

namespace skerry::cli {
namespace {

using plugin::Feature;

bool wanted(const Feature& feature, const std::string& kind) {
  return kind.empty() || feature.kind == kind || feature.kind.starts_with(kind + "/");
}

bool is_workflow(const Feature& feature) {
  return feature.resource.is_object();
}

// What a user may write for the feature, with what the core adds.
Json schema_of(const Feature& feature) {
  return is_workflow(feature) ? config::spec_schema(feature) : config::config_schema(feature);
}

bool is_required(const Json& schema, const std::string& key) {
  const Json required = schema.value("required", Json::array());
  for (const Json& name : required) {
    if (name == key) return true;
  }
  return false;
}

// Keys of keys are indented below their own.
void add_keys(TextTable& table, const Json& schema, const std::string& indent) {
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, property] : properties.items()) {
    table.add({indent + key, config::describe_property(property, is_required(schema, key)),
               property.value("description", "")});
    if (property.contains("properties")) add_keys(table, property, indent + "  ");
  }
}

Json brief(const Feature& feature) {
  return {{"id", feature.id},
          {"kind", feature.kind},
          {"version", feature.version},
          {"summary", feature.summary},
          {"file", feature.file.string()},
          {"searchPath", feature.search_path.string()}};
}

std::string digest_of(const Feature& feature) {
  const auto digest = plugin::file_digest(feature);
  return digest ? *digest : "unknown: " + digest.error().text();
}

// Each with where it is, or null.
Json needs_of(const Feature& feature) {
  Json needs = Json::array();
  const auto libraries = plugin::needed_libraries(feature.file);
  if (!libraries) return needs;
  for (const auto& [name, path] : *libraries)
    needs.push_back({{"name", name}, {"path", path.empty() ? Json(nullptr) : Json(path.string())}});
  return needs;
}

std::string needs_text(const Feature& feature) {
  std::string found, missing;
  for (const Json& library : needs_of(feature)) {
    std::string& list = library.at("path").is_null() ? missing : found;
    list += (list.empty() ? "" : " ") + library.at("name").get<std::string>();
  }
  return found + (missing.empty()
                      ? ""
                      : (found.empty() ? "" : "\n            ") + ("NOT FOUND: " + missing));
}

std::string indented(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += "  " + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

// A part of a job that can be written for this feature; tasks and the like are not named in jobs.
std::string example_of(const Feature& feature) {
  if (feature.kind.starts_with("task/")) return {};
  return config::example_fragment(feature);
}

}  // namespace

std::string catalog_text(const plugin::Catalog& catalog, const std::string& kind) {
  TextTable table({{"ID"}, {"KIND"}, {"VERSION"}, {"FILE"}, {"SUMMARY"}});
  for (const Feature& feature : catalog.features()) {
    if (!wanted(feature, kind)) continue;
    table.add({feature.id, feature.kind, feature.version, feature.file.string(), feature.summary});
  }
  std::string text =
      table.empty() ? "no plugins" + (kind.empty() ? "" : " of kind " + kind) + "\n" : table.text();
  for (const auto& [feature, used] : catalog.shadowed()) {
    if (!wanted(feature, kind)) continue;
    text += fmt::format("shadowed: {} ({}) in {}, by {}\n", feature.id, feature.kind,
                        feature.file.string(), used.string());
  }
  for (const Problem& problem : catalog.problems()) text += "refused: " + problem.text() + "\n";
  return text + "searched: " + catalog.describe_places() + "\n";
}

Json catalog_json(const plugin::Catalog& catalog, const std::string& kind) {
  Json plugins = Json::array(), shadowed = Json::array(), searched = Json::array();
  for (const Feature& feature : catalog.features()) {
    if (wanted(feature, kind)) plugins.push_back(brief(feature));
  }
  for (const auto& [feature, used] : catalog.shadowed()) {
    if (!wanted(feature, kind)) continue;
    shadowed.push_back(brief(feature));
    shadowed.back()["by"] = used.string();
  }
  for (const auto& path : catalog.searched()) searched.push_back(path.string());
  return {{"plugins", plugins},
          {"shadowed", shadowed},
          {"refused", problems_json(catalog.problems())},
          {"searched", searched}};
}

Json feature_json(const Feature& feature) {
  Json json = brief(feature);
  json["license"] = feature.license;
  json["url"] = feature.url;
  json["digest"] = digest_of(feature);
  json["needs"] = needs_of(feature);
  json["schema"] = schema_of(feature);
  if (is_workflow(feature)) json["resourceKind"] = feature.resource.value("kind", "");
  json["requires"] = feature.requires_;
  json["example"] = example_of(feature);
  return json;
}

std::string feature_text(const Feature& feature) {
  std::string text = fmt::format("{} ({})\n", feature.id, feature.kind);
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<9} {}\n", name, value);
  };
  add("summary", feature.summary);
  add("version", feature.version);
  add("license", feature.license);
  add("url", feature.url);
  add("file", feature.file.string());
  add("blake2b", digest_of(feature));
  add("needs", needs_text(feature));
  if (is_workflow(feature)) add("resource", feature.resource.value("kind", ""));
  if (!feature.requires_.is_null()) add("requires", config::to_yaml_line(feature.requires_));
  TextTable keys({{"KEY"}, {"TYPE"}, {"DESCRIPTION"}});
  add_keys(keys, schema_of(feature), "");
  text += keys.empty() ? "  takes no configuration\n" : fmt::format("\n{}", indented(keys.text()));
  const std::string example = example_of(feature);
  if (!example.empty()) text += fmt::format("\n  In a job:\n\n{}", indented(example));
  return text;
}

}  // namespace skerry::cli
