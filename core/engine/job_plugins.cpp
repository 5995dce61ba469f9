#include "core/engine/job_plugins.hpp"

#include <algorithm>

#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/plugin/job_features.hpp"
#include "core/plugin/search_path.hpp"

namespace skerry::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kListSuffix = ".json";

std::vector<fs::path> paths_in(const Json& plan) {
  std::vector<fs::path> paths;
  for (const auto& path : plan.value("pluginPath", Json::array()))
    if (path.is_string()) paths.emplace_back(path.get<std::string>());
  return paths;
}

std::string workflow_of(const Json& plan) {
  return plan.value("workflow", std::string());
}

bool knows(const std::vector<PluginFile>& files, const plugin::Feature& feature) {
  return std::any_of(files.begin(), files.end(), [&](const PluginFile& file) {
    return file.kind == feature.kind && file.id == feature.id;
  });
}

PluginFile described(const plugin::Feature& feature) {
  return {feature.kind, feature.id, "", feature.file.string(), ""};
}

// As write_list() writes it. What is damaged is no list.
std::vector<PluginFile> files_in(const fs::path& list) {
  const auto text = read_file(list);
  const auto json = text ? parse_json(*text) : Result<Json>(fail(text.error()));
  if (!json || !json->is_array()) return {};
  std::vector<PluginFile> files;
  for (const Json& each : *json) {
    const auto word = [&](const char* key) {
      const auto found = each.is_object() ? each.find(key) : each.end();
      return found != each.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    files.push_back({word("kind"), word("id"), word("digest"), word("file"), ""});
    if (files.back().kind.empty() || files.back().id.empty() ||
        !Digest::from_hex(files.back().digest))
      return {};
  }
  return files;
}

// The file as it is at one moment: what is hashed is what is kept.
Result<Digest> copy_of(const fs::path& file, const fs::path& folder) {
  SKERRY_ASSIGN(const std::string bytes, read_file(file));
  const Digest digest = digest_of(as_bytes(bytes));
  const fs::path copy = folder / (digest.hex() + ".so");
  const auto there = digest_of_file(copy);
  if (!there || *there != digest) SKERRY_TRY(write_file_durably(copy, bytes, 0600));
  return digest;
}

}  // namespace

std::vector<PluginFile> JobPlugins::named_by(const plugin::Catalog& catalog, const Json& plan) {
  std::vector<PluginFile> files;
  for (const plugin::Feature* feature :
       plugin::job_features(catalog, workflow_of(plan), plan.value("spec", Json::object()))) {
    const auto digest = plugin::file_digest(*feature);
    if (!digest) continue;
    files.push_back(described(*feature));
    files.back().digest = *digest;
  }
  return files;
}

std::vector<PluginFile> JobPlugins::of(const std::string& job, const std::string& text,
                                       const std::string& task) {
  const auto plan = parse_json(text);
  if (!plan || !plan->is_object()) return {};
  Known& found = known(job, *plan);
  if (task.empty()) return found.files;
  const bool there = std::any_of(found.files.begin(), found.files.end(), [&](const auto& file) {
    return file.kind == "task/1" && file.id == task;
  });
  if (there) return found.files;
  // A task of another plugin than its workflow's.
  const auto catalog = plugin::Catalog::scan(plugin::search_path(paths_in(*plan)));
  if (const auto feature = catalog.find("task/1", task)) {
    add(found, **feature);
    write_list(job, found);
  }
  return found.files;
}

JobPlugins::Known& JobPlugins::known(const std::string& job, const Json& plan) {
  const auto [place, fresh] = jobs_.try_emplace(job);
  Known& found = place->second;
  if (!fresh || read_list(job, found)) return found;
  const auto catalog = plugin::Catalog::scan(plugin::search_path(paths_in(plan)));
  for (const plugin::Feature* feature :
       plugin::job_features(catalog, workflow_of(plan), plan.value("spec", Json::object())))
    add(found, *feature);
  add_tasks_of(found, catalog, workflow_of(plan));
  write_list(job, found);
  return found;
}

void JobPlugins::add_tasks_of(Known& known, const plugin::Catalog& catalog,
                              const std::string& workflow) {
  const auto decides = catalog.find("workflow/1", workflow);
  if (!decides) return;
  for (const plugin::Feature& feature : catalog.features())
    if (feature.kind == "task/1" && feature.file == (*decides)->file) add(known, feature);
}

void JobPlugins::add(Known& known, const plugin::Feature& feature) {
  if (knows(known.files, feature)) return;
  PluginFile file = described(feature);
  // One file's features are of one copy, whatever becomes of the file meanwhile.
  const auto same = std::find_if(known.files.begin(), known.files.end(),
                                 [&](const auto& each) { return each.file == file.file; });
  if (same != known.files.end()) {
    file.digest = same->digest;
    file.copy = same->copy;
  } else {
    file = copied(std::move(file));
  }
  if (!file.digest.empty()) known.files.push_back(std::move(file));
}

// Without room for a copy the job goes on without one.
PluginFile JobPlugins::copied(PluginFile file) const {
  if (!folder_.empty()) {
    const auto digest = copy_of(file.file, folder_);
    if (digest) {
      file.digest = digest->hex();
      file.copy = (folder_ / (file.digest + ".so")).string();
      return file;
    }
    log_warn("no copy of a plugin could be kept, so that its file must stay as it is: " +
             digest.error().text());
  }
  if (const auto digest = digest_of_file(file.file)) file.digest = digest->hex();
  return file;
}

fs::path JobPlugins::list_of(const std::string& job) const {
  return folder_ / (digest_of(as_bytes(job)).hex().substr(0, 32) + kListSuffix);
}

// Of a file whose copy is gone only the digest is known: the file must be as it was.
bool JobPlugins::read_list(const std::string& job, Known& known) const {
  if (folder_.empty()) return false;
  for (PluginFile& file : files_in(list_of(job))) {
    const fs::path copy = folder_ / (file.digest + ".so");
    std::error_code unknown;
    if (fs::is_regular_file(copy, unknown)) file.copy = copy.string();
    known.files.push_back(std::move(file));
  }
  return !known.files.empty();
}

void JobPlugins::write_list(const std::string& job, const Known& known) const {
  if (folder_.empty()) return;
  Json list = Json::array();
  for (const PluginFile& file : known.files)
    list.push_back(
        {{"kind", file.kind}, {"id", file.id}, {"digest", file.digest}, {"file", file.file}});
  if (const auto written = write_file_durably(list_of(job), dump_json(list)); !written)
    log_warn("a job's list of plugins could not be written: " + written.error().text());
}

void JobPlugins::forget(const std::string& job) {
  jobs_.erase(job);
  if (folder_.empty()) return;
  std::error_code ignored;
  fs::remove(list_of(job), ignored);
  drop_unused();
}

void JobPlugins::keep_only(const std::set<std::string>& jobs) {
  if (folder_.empty()) return;
  std::set<fs::path> lists;
  for (const std::string& job : jobs) lists.insert(list_of(job));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_, ignored))
    if (entry.path().extension() == kListSuffix && !lists.contains(entry.path()))
      fs::remove(entry.path(), ignored);
  drop_unused();
}

// Copies that no list names.
void JobPlugins::drop_unused() const {
  std::set<std::string> used;
  for (const auto& [job, known] : jobs_)
    for (const PluginFile& file : known.files) used.insert(file.digest);
  std::error_code ignored;
  std::vector<fs::path> copies;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    if (entry.path().extension() != kListSuffix) {
      copies.push_back(entry.path());
      continue;
    }
    for (const PluginFile& file : files_in(entry.path())) used.insert(file.digest);
  }
  for (const fs::path& copy : copies)
    if (!used.contains(copy.stem().string())) fs::remove(copy, ignored);
}

}  // namespace skerry::engine
