#include "core/config/job.hpp"

#include <system_error>
#include <utility>

#include "core/config/core_schemas.hpp"
#include "core/config/job_slots.hpp"
#include "core/config/resources.hpp"
#include "core/config/schema.hpp"

namespace skerry::config {
namespace {

namespace fs = std::filesystem;

tl::unexpected<ResolveFailure> failure(Problems problems) {
  sort_by_line(problems);
  return tl::unexpected(ResolveFailure{std::move(problems)});
}

// The job to resolve among the resources, which may hold others beside it.
Result<const Resource*> pick_job(const std::vector<Resource>& resources, const std::string& name,
                                 const std::string& file) {
  std::vector<const Resource*> jobs;
  std::string names;
  for (const Resource& resource : resources) {
    if (is_core_kind(resource.kind)) {
      continue;
    }
    names += (names.empty() ? "" : ", ") + resource.name;
    if (name.empty() || name == resource.name) {
      jobs.push_back(&resource);
    }
  }
  if (jobs.size() == 1) {
    return jobs.front();
  }
  if (names.empty()) {
    return fail(Code::invalid_argument,
                "holds no job, only datasets and models; add the document of a job", file);
  }
  if (jobs.empty()) {
    return fail(Code::not_found, "holds no job `" + name + "`; there are: " + names, file);
  }
  return fail(Code::invalid_argument, "holds several jobs: " + names + "; name one of them", file);
}

Json with_properties(Json schema, const Json& more) {
  schema["type"] = "object";
  Json& properties = schema["properties"];
  for (const auto& [key, property] : more.items()) {
    if (!properties.contains(key)) {
      properties[key] = property;
    }
  }
  return schema;
}

// Puts the resolved parts together. What the core added to the spec stands beside it.
Json resolved_document(const Resource& job, const plugin::Feature& workflow, Json spec) {
  Json document{
      {"apiVersion", kApiVersion}, {"kind", job.kind},     {"metadata", {{"name", job.name}}},
      {"workflow", workflow.id},   {"seed", spec["seed"]}, {"pluginPath", spec["pluginPath"]}};
  const Json own = workflow.resource.at("spec").value("properties", Json::object());
  for (const char* key : {"seed", "pluginPath"}) {
    if (!own.contains(key)) {
      spec.erase(key);
    }
  }
  document["spec"] = std::move(spec);
  return document;
}

// "/spec/dataset/config/cell/0" of "cell[0]", below `pointer`.
std::string descend(std::string pointer, const std::string& field) {
  std::string token;
  for (const char c : field + ".") {
    if (c != '.' && c != '[' && c != ']') {
      token += c;
    } else if (!token.empty()) {
      pointer = child(pointer, token);
      token.clear();
    }
  }
  return pointer;
}

}  // namespace

std::string ResolveFailure::text() const {
  std::string text;
  for (const Problem& problem : problems) {
    text += text.empty() ? "" : "\n";
    text += problem.text();
  }
  return text;
}

tl::expected<ResolvedJob, ResolveFailure> resolve_job(const std::vector<Document>& documents,
                                                      const plugin::Catalog& catalog,
                                                      const ResolveOptions& options) {
  auto resources = parse_resources(documents, catalog);
  if (!resources) {
    return failure(std::move(resources).error());
  }
  const std::string file = documents.empty() ? "" : documents.front().source.where("");
  const auto job = pick_job(*resources, options.job, file);
  if (!job) {
    return failure({job.error()});
  }
  const auto workflow = catalog.find_resource((*job)->kind);
  if (!workflow) {
    return failure({workflow.error()});
  }
  Problems problems;
  SourceMap source = (*job)->source;
  SlotResolver slots(catalog, *resources, options, source);
  slots.features.push_back({"workflow", **workflow});
  Json spec =
      apply_schema(spec_schema(**workflow), (*job)->spec(), slots.context("/spec"), problems);
  if (!problems.empty()) {
    return failure(std::move(problems));
  }
  return ResolvedJob{resolved_document(**job, **workflow, std::move(spec)), std::move(source),
                     std::move(slots.artifacts), std::move(slots.features)};
}

std::vector<fs::path> plugin_paths(const std::vector<Document>& documents) {
  std::vector<fs::path> paths;
  for (const Document& document : documents) {
    const Json::json_pointer place("/spec/pluginPath");
    if (!document.value.is_object() || !document.value.contains(place)) {
      continue;
    }
    const fs::path folder = fs::path(document.source.locate("").file).parent_path();
    for (const Json& path : document.value.at(place)) {
      std::error_code error;
      if (path.is_string() && !path.get_ref<const std::string&>().empty()) {
        paths.push_back(fs::absolute(folder / path.get<std::string>(), error).lexically_normal());
      }
    }
  }
  return paths;
}

Problem locate(const ResolvedJob& job, const std::string& slot, const std::string& field,
               const std::string& message, Code code) {
  std::string pointer = "/spec";
  if (!slot.empty() && slot != "workflow") {
    pointer = descend(pointer, slot);
    if (!field.empty()) {
      pointer = child(pointer, "config");
    }
  }
  pointer = descend(pointer, field);
  return {code, message, job.source.where(pointer), field_of(pointer)};
}

Json config_schema(const plugin::Feature& feature) {
  if (!feature.kind.starts_with("dataset/")) {
    return feature.schema;
  }
  return with_properties(feature.schema, dataset_properties());
}

Json spec_schema(const plugin::Feature& workflow) {
  return with_properties(workflow.resource.at("spec"), workflow_properties());
}

}  // namespace skerry::config
