#include "hosts/cli/run/job_check.hpp"

#include "core/base/file.hpp"
#include "core/config/resources.hpp"
#include "core/plugin/search_path.hpp"
#include "hosts/cli/run/preflight.hpp"

namespace skerry::cli {

tl::expected<JobFile, Problems> read_job_file(const std::filesystem::path& path) {
  auto text = read_file(path, config::DocumentLimits{}.bytes);
  if (!text) return tl::unexpected(Problems{text.error()});
  auto documents = config::parse_documents(*text, path.string());
  if (!documents) return tl::unexpected(Problems{documents.error()});
  auto catalog = std::make_shared<const plugin::Catalog>(
      plugin::Catalog::scan(plugin::search_path(config::plugin_paths(*documents))));
  return JobFile{path, std::move(*text), std::move(*documents), std::move(catalog)};
}

tl::expected<JobNames, Problems> names_in(const JobFile& file) {
  const auto resources = config::parse_resources(file.documents, *file.catalog);
  if (!resources) return tl::unexpected(resources.error());
  JobNames names;
  for (const config::Resource& resource : *resources) {
    if (config::is_core_kind(resource.kind)) {
      names.resources.push_back(resource.kind + " " + resource.name);
    } else {
      names.jobs.push_back(resource.name);
    }
  }
  return names;
}

tl::expected<CheckedJob, Problems> check_job(const JobFile& file, const CheckOptions& options) {
  auto job = config::resolve_job(file.documents, *file.catalog, {options.nodes, true, options.job});
  if (!job) return tl::unexpected(job.error().problems);
  auto facts = preflight(*job, options.nodes);
  if (!facts) return tl::unexpected(facts.error());
  return CheckedJob{std::move(*job), std::move(*facts)};
}

Json plugins_of(const CheckedJob& checked) {
  Json list = Json::array();
  for (const config::SlotFeature& used : checked.job.features) {
    list.push_back({{"slot", used.slot},
                    {"id", used.feature.id},
                    {"kind", used.feature.kind},
                    {"version", used.feature.version},
                    {"file", used.feature.file.string()},
                    {"digest", plugin::file_digest(used.feature).value_or("")},
                    {"facts", checked.facts.value(used.slot, Json::object())}});
  }
  return list;
}

Json runnable_again(const config::ResolvedJob& job) {
  Json document = job.document;
  for (const config::ArtifactFile& file : job.artifacts) {
    document[Json::json_pointer(file.pointer)] = file.path.string();
  }
  Json& spec = document["spec"];
  for (const char* key : {"seed", "pluginPath"}) {
    if (document.contains(key)) spec[key] = document[key];
  }
  return {{"apiVersion", document["apiVersion"]},
          {"kind", document["kind"]},
          {"metadata", document["metadata"]},
          {"spec", spec}};
}

}  // namespace skerry::cli
