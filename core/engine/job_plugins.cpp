#include "core/engine/job_plugins.hpp"

#include "core/plugin/job_features.hpp"
#include "core/plugin/search_path.hpp"

namespace skerry::engine {
namespace {

void add(std::vector<PluginFile>& files, const plugin::Feature& feature) {
  if (const auto digest = plugin::file_digest(feature))
    files.push_back({feature.kind, feature.id, *digest});
}

std::vector<std::filesystem::path> paths_in(const Json& plan) {
  std::vector<std::filesystem::path> paths;
  for (const auto& path : plan.value("pluginPath", Json::array()))
    if (path.is_string()) paths.emplace_back(path.get<std::string>());
  return paths;
}

}  // namespace

std::vector<PluginFile> JobPlugins::named_by(const plugin::Catalog& catalog, const Json& plan) {
  std::vector<PluginFile> files;
  for (const plugin::Feature* feature : plugin::job_features(
           catalog, plan.value("workflow", std::string()), plan.value("spec", Json::object())))
    add(files, *feature);
  return files;
}

std::vector<PluginFile> JobPlugins::of(const std::string& job, const std::string& text,
                                       const std::string& task) {
  const auto plan = parse_json(text);
  if (!plan || !plan->is_object()) return {};
  Known& known = jobs_[job];
  if (!known.catalog) {
    known.catalog = std::make_unique<plugin::Catalog>(
        plugin::Catalog::scan(plugin::search_path(paths_in(*plan))));
    known.files = named_by(*known.catalog, *plan);
  }
  std::vector<PluginFile> files = known.files;
  if (task.empty()) return files;
  const auto [own, fresh] = known.tasks.try_emplace(task);
  if (fresh) {
    if (const auto feature = known.catalog->find("task/1", task)) add(own->second, **feature);
  }
  files.insert(files.end(), own->second.begin(), own->second.end());
  return files;
}

std::vector<std::string> lines_of(const std::vector<PluginFile>& files) {
  std::vector<std::string> lines;
  for (const auto& file : files) lines.push_back(file.kind + " " + file.id + " " + file.digest);
  return lines;
}

}  // namespace skerry::engine
