#include "core/engine/cloud/submit.hpp"

#include <fmt/format.h>

#include "core/base/file.hpp"
#include "core/config/document.hpp"
#include "core/config/job.hpp"
#include "core/config/resources.hpp"
#include "core/engine/audit.hpp"
#include "core/engine/job_plugins.hpp"
#include "core/engine/wall_clock.hpp"
#include "core/plugin/catalog.hpp"
#include "core/plugin/search_path.hpp"

namespace skerry::engine::cloud {
namespace {

using Failure = tl::unexpected<std::vector<Problem>>;

std::string document_text(const config::Resource& resource) {
  return dump_json(resource.document);
}

// Why a job that needs such a plugin cannot be taken.
std::optional<std::string> quarantined(Quarantine& quarantine, const plugin::Catalog& catalog,
                                       const Json& plan) {
  if (quarantine.empty()) return std::nullopt;
  for (const PluginFile& file : JobPlugins::named_by(catalog, plan))
    if (const auto entry = quarantine.find(file.digest)) return quarantine.explain(*entry);
  return std::nullopt;
}

}  // namespace

tl::expected<Json, std::vector<Problem>> Submit::apply(const std::string& text,
                                                       const std::string& file,
                                                       std::optional<int> nodes,
                                                       const std::string& actor) {
  auto documents = config::parse_documents(text, file);
  if (!documents) return Failure({documents.error()});
  const auto catalog = plugin::Catalog::scan(plugin::search_path(config::plugin_paths(*documents)));
  const auto resources = config::parse_resources(*documents, catalog);
  if (!resources) return Failure(resources.error());

  // Resources that were applied earlier can be named by a job; those in the file come first.
  std::vector<config::Document> known = *documents;
  {
    auto stored = unit_.sql("SELECT kind, name, document, file FROM resource");
    while (must(stored.step())) {
      const std::string kind = stored.column_text(0), name = stored.column_text(1);
      bool replaced = false;
      for (const auto& resource : *resources)
        replaced |= resource.kind == kind && resource.name == name;
      if (replaced) continue;
      if (auto document = config::parse_documents(stored.column_text(2), stored.column_text(3)))
        known.push_back(std::move(document->front()));
    }
  }

  struct Fresh {
    config::ResolvedJob job;
    std::string kind;
  };
  std::vector<Fresh> fresh;
  Json applied = Json::array();
  for (const auto& resource : *resources) {
    if (config::is_core_kind(resource.kind)) continue;
    auto job = config::resolve_job(known, catalog,
                                   {.nodes = nodes, .check_files = false, .job = resource.name});
    if (!job) return Failure(job.error().problems);
    if (const Job* existing = machine_.find(resource.name)) {
      if (existing->plan != dump_json(job->document)) {
        return Failure({Problem{Code::already_exists,
                                fmt::format("job `{}` exists with another spec (phase {}); delete "
                                            "it first (`skerry delete job {}`) or choose "
                                            "another name",
                                            resource.name, existing->phase, resource.name),
                                file, "metadata.name"}});
      }
      applied.push_back(
          {{"kind", resource.kind}, {"name", resource.name}, {"action", "unchanged"}});
      continue;
    }
    if (const auto why = quarantined(quarantine_, catalog, job->document))
      return Failure({Problem{Code::failed_precondition, *why, file, ""}});
    applied.push_back({{"kind", resource.kind}, {"name", resource.name}, {"action", "created"}});
    fresh.push_back({std::move(*job), resource.kind});
  }

  // Files travel with the job: read them all before anything is written.
  std::vector<std::vector<std::string>> files(fresh.size());
  std::uint64_t shipped = 0;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    for (const auto& artifact : fresh[i].job.artifacts) {
      auto bytes = read_file(artifact.path);
      if (!bytes) return Failure({bytes.error()});
      if (digest_of(as_bytes(*bytes)) != artifact.digest) {
        return Failure({Problem{Code::failed_precondition,
                                "the file changed while the job was being applied; apply again",
                                artifact.path.string(), ""}});
      }
      shipped += bytes->size();
      files[i].push_back(std::move(*bytes));
    }
  }
  if (const auto space = check_space(shipped); !space && !fresh.empty())
    return Failure({space.error()});

  const Unit::Scope scope(unit_);
  for (const auto& resource : *resources) {
    if (!config::is_core_kind(resource.kind)) continue;
    auto old = unit_.sql("SELECT document FROM resource WHERE kind = ? AND name = ?");
    old.bind(1, resource.kind).bind(2, resource.name);
    const bool exists = must(old.step());
    const bool same = exists && old.column_text(0) == document_text(resource);
    must(unit_
             .sql("INSERT OR REPLACE INTO resource(kind, name, document, file, created) VALUES(?, "
                  "?, ?, ?, ?)")
             .bind(1, resource.kind)
             .bind(2, resource.name)
             .bind(3, document_text(resource))
             .bind(4, file)
             .bind(5, wall_clock_text())
             .run());
    if (!same) {
      audit(unit_, actor, "resource.applied", resource.name,
            {{"kind", resource.kind},
             {"digest", digest_of(as_bytes(document_text(resource))).hex()}});
    }
    applied.push_back({{"kind", resource.kind},
                       {"name", resource.name},
                       {"action", same     ? "unchanged"
                                  : exists ? "updated"
                                           : "created"}});
  }
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    Machine::NewJob job{fresh[i].job.name(), fresh[i].kind, text, actor, fresh[i].job.document, {}};
    for (std::size_t k = 0; k < files[i].size(); ++k) {
      must(blobs_.put(as_bytes(files[i][k]), fresh[i].job.artifacts[k].digest));
      job.shipped.push_back(fresh[i].job.artifacts[k].digest);
    }
    machine_.create(std::move(job), peers_.online_nodes());
  }
  return Json{{"applied", applied}};
}

Status Submit::check_space(std::uint64_t bytes) const {
  if (disk_ == nullptr) return {};
  const std::string text = disk_->refusal(bytes);
  return text.empty() ? Status() : fail(Code::unavailable, text);
}

Status Submit::remove_resource(const std::string& kind, const std::string& name,
                               const std::string& actor) {
  const std::string stored = kind == "dataset" ? "Dataset" : kind == "model" ? "Model" : "";
  if (stored.empty())
    return fail(Code::invalid_argument,
                fmt::format("found \"{}\"; allowed: job, node, dataset, model", kind), {}, "kind");
  const Unit::Scope scope(unit_);
  must(unit_.sql("DELETE FROM resource WHERE kind = ? AND name = ?")
           .bind(1, stored)
           .bind(2, name)
           .run());
  if (unit_.database().changes() == 0)
    return fail(Code::not_found, fmt::format("there is no {} `{}`", kind, name));
  audit(unit_, actor, "resource.deleted", name, {{"kind", stored}});
  return {};
}

}  // namespace skerry::engine::cloud
