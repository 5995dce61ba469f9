#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "core/config/document.hpp"
#include "core/plugin/catalog.hpp"

namespace skerry::config {

struct ResolveOptions;

inline constexpr const char* kApiVersion = "skerry.dev/v1alpha1";

// One document with apiVersion, kind, metadata and spec. The spec of the core's own kinds (Dataset,
// Model) is checked; that of others is checked when the job is resolved.
struct Resource {
  std::string kind;
  std::string name;
  Json document;
  SourceMap source;
  const Json& spec() const { return document.at("spec"); }
};

using Problems = std::vector<Problem>;

// Is it one of the kinds that the core knows without a plugin?
bool is_core_kind(const std::string& kind);

// All problems of all documents, in the order of the lines.
tl::expected<std::vector<Resource>, Problems> parse_resources(
    const std::vector<Document>& documents, const plugin::Catalog& catalog);

// A Dataset against the schema of its plugin, as when a job names it; nothing to complain about for
// other kinds.
Problems check_dataset(const Resource& resource, const plugin::Catalog& catalog,
                       const ResolveOptions& options);
Problems check_dataset(const Resource& resource, const plugin::Catalog& catalog);

// By file and line; problems without a line come first.
void sort_by_line(Problems& problems);

}  // namespace skerry::config
