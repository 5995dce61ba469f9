#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "core/config/document.hpp"
#include "core/plugin/catalog.hpp"

namespace skerry::config {

struct ResolveOptions {
  std::optional<int> nodes;  // how many nodes there will be, when it is known
  bool check_files = false;  // must data files exist on this machine? (artifacts must in any case)
  std::string job;           // which job, when the documents hold several; empty: the only one
  // Why a job or a dataset may name no file to go with it, for whom this is so. A Model that it
  // names may: whoever gave that was asked. Empty: they may.
  std::string no_files = {};
};

// A file that travels with the job: in the document stands {"$artifact": digest, "name": name} at
// `pointer`.
struct ArtifactFile {
  std::string pointer;
  std::filesystem::path path;
  std::string name;
  Digest digest;
};

// Which plugin was chosen for a place in the job: "aggregation"; the workflow's place is
// "workflow".
struct SlotFeature {
  std::string slot;
  plugin::Feature feature;
};

struct ResolvedJob {
  // {"apiVersion", "kind", "metadata": {"name"}, "workflow", "seed", "spec", "pluginPath"}:
  // defaults filled in, paths absolute, resources put in place of their names.
  Json document;
  SourceMap source;  // where the values of `document` were written
  std::vector<ArtifactFile> artifacts;
  std::vector<SlotFeature> features;

  std::string name() const { return document.at("metadata").at("name").get<std::string>(); }
};

struct ResolveFailure {
  std::vector<Problem> problems;  // at least one, in the order of the lines
  std::string text() const;       // a line each
};

// Checks a job against the schemas of the plugins that it names, and fills in everything that it
// leaves open. Nothing of a plugin runs.
tl::expected<ResolvedJob, ResolveFailure> resolve_job(const std::vector<Document>& documents,
                                                      const plugin::Catalog& catalog,
                                                      const ResolveOptions& options = {});

// The pluginPath of the jobs in these documents, absolute: needed before there is a catalog. What
// is malformed is left out here and reported by resolve_job.
std::vector<std::filesystem::path> plugin_paths(const std::vector<Document>& documents);

// A problem that a plugin told, placed where the user wrote the field: slot "dataset" and field
// "cell" is spec.dataset.config.cell. An empty slot stands for the spec itself.
Problem locate(const ResolvedJob& job, const std::string& slot, const std::string& field,
               const std::string& message, Code code = Code::invalid_argument);

// The schema of a feature's configuration with what the core adds: every dataset takes `partition`
// and `holdout`.
Json config_schema(const plugin::Feature& feature);

// The schema of a workflow's spec with what the core adds: `seed` and `pluginPath`.
Json spec_schema(const plugin::Feature& workflow);

}  // namespace skerry::config
