#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/config/document.hpp"
#include "core/config/job.hpp"
#include "core/plugin/catalog.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {

// A job file as it was read, with the plugins that it can name.
struct JobFile {
  std::filesystem::path path;  // as the user gave it
  std::string text;
  std::vector<config::Document> documents;
  std::shared_ptr<const plugin::Catalog> catalog;
};

tl::expected<JobFile, Problems> read_job_file(const std::filesystem::path& path);

struct JobNames {
  std::vector<std::string> jobs;       // in the order of the file
  std::vector<std::string> resources;  // "Dataset digits"
};
tl::expected<JobNames, Problems> names_in(const JobFile& file);

struct CheckOptions {
  std::optional<int> nodes;
  std::string job;  // empty: the only one
};

struct CheckedJob {
  config::ResolvedJob job;
  Json facts;  // what a worker found behind each slot
};

// Everything that can be known before anything runs: the schemas, the files, and, in a worker that
// ends again, whether the plugins can open what they are given.
tl::expected<CheckedJob, Problems> check_job(const JobFile& file, const CheckOptions& options);

// [{slot, id, kind, version, file, digest, facts}]: what the job uses where.
Json plugins_of(const CheckedJob& checked);

// The resolved job in the form that a job file has: running it does the same again.
Json runnable_again(const config::ResolvedJob& job);

}  // namespace skerry::cli
