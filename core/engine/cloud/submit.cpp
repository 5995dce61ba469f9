#include "core/engine/cloud/submit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "core/engine/audit.hpp"
#include "core/engine/collector.hpp"
#include "core/engine/wall_clock.hpp"

namespace skerry::engine::cloud {
namespace {

using Failure = tl::unexpected<std::vector<Problem>>;

std::string document_text(const config::Resource& resource) {
  return dump_json(resource.document);
}

Json outcome(const std::string& kind, const std::string& name, const char* action) {
  return {{"kind", kind}, {"name", name}, {"action", action}};
}

std::uint64_t size_of(const config::ArtifactFile& file) {
  std::error_code unknown;  // it is read next, and the problem told then
  const auto size = std::filesystem::file_size(file.path, unknown);
  return unknown ? 0 : size;
}

}  // namespace

// One call of apply() on its way. Never used by two threads at once.
struct Submit::Application {
  ApplyRequest request;
  Done done;
  std::vector<StoredResource> stored;
  tl::expected<Draft, Problems> draft = Draft{};
  std::vector<bool> fresh;                      // of draft->jobs: it is to be created
  std::vector<std::vector<ShippedFile>> files;  // of draft->jobs
  Problems unread;                              // of a file
};

void Submit::apply(ApplyRequest request, Done done) {
  const auto application = std::make_shared<Application>();
  application->request = std::move(request);
  application->done = std::move(done);
  application->stored = stored_resources();
  loop_.aside(
      [application] { application->draft = read_draft(application->request, application->stored); },
      [this, application] { consider(application); });
}

std::vector<StoredResource> Submit::stored_resources() {
  std::vector<StoredResource> all;
  auto stored = unit_.sql("SELECT kind, name, document, file FROM resource");
  while (must(stored.step())) {
    all.push_back({stored.column_text(0), stored.column_text(1), stored.column_text(2),
                   stored.column_text(3)});
  }
  return all;
}

// The file is right: may what it asks for be done?
void Submit::consider(const Shared& application) {
  if (!application->draft) return give_up(application, application->draft.error());
  for (auto check :
       {sort_out(*application), refuse_quarantined(*application), check_space(*application)})
    if (!check.empty()) return give_up(application, check);
  application->files.resize(application->draft->jobs.size());
  loop_.aside(
      [this, application] {
        for (std::size_t i = 0; i < application->files.size(); ++i) {
          if (!application->fresh[i]) continue;
          for (const auto& artifact : application->draft->jobs[i].job.artifacts) {
            auto shipped = ship(blobs_, artifact);
            if (!shipped) return application->unread.push_back(shipped.error());
            application->files[i].push_back(std::move(*shipped));
          }
        }
      },
      [this, application] { conclude(application); });
}

void Submit::conclude(const Shared& application) {
  if (!application->unread.empty()) return give_up(application, application->unread);
  // A name may have been taken meanwhile, or given up.
  const std::vector<bool> before = application->fresh;
  if (const auto problems = sort_out(*application); !problems.empty())
    return give_up(application, problems);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!application->fresh[i] || before[i]) continue;
    return give_up(application, {Problem{Code::failed_precondition,
                                         fmt::format("job `{}` was deleted while it was being "
                                                     "applied; apply again",
                                                     application->draft->jobs[i].job.name()),
                                         application->request.file, "metadata.name"}});
  }
  const Unit::Scope scope(unit_);
  Json applied = Json::array();
  const Draft& draft = *application->draft;
  for (std::size_t i = 0; i < draft.jobs.size(); ++i) {
    const bool fresh = application->fresh[i];
    if (fresh) record_job(*application, i);
    applied.push_back(
        outcome(draft.jobs[i].kind, draft.jobs[i].job.name(), fresh ? "created" : "unchanged"));
  }
  for (const auto& resource : draft.resources)
    applied.push_back(record_resource(application->request, resource));
  application->done(Json{{"applied", applied}});
}

void Submit::give_up(const Shared& application, const Problems& problems) {
  std::vector<Digest> stored;
  for (const auto& files : application->files)
    for (const auto& file : files)
      if (file.claim) stored.push_back(file.digest);
  application->files.clear();  // and the claims with them
  for (const Digest& digest : stored) free_file(loop_, blobs_, digest);
  application->done(Failure(problems));
}

// Which jobs are to be created; problems when one of them is there and is another one.
Submit::Problems Submit::sort_out(Application& application) {
  application.fresh.clear();
  for (const auto& job : application.draft->jobs) {
    const std::string name = job.job.name();
    const Job* existing = machine_.find(name);
    application.fresh.push_back(existing == nullptr);
    if (existing == nullptr || existing->plan == job.plan) continue;
    return {Problem{Code::already_exists,
                    fmt::format("job `{}` exists with another spec (phase {}); delete it first "
                                "(`skerry delete job {}`) or choose another name",
                                name, existing->phase, name),
                    application.request.file, "metadata.name"}};
  }
  return {};
}

Submit::Problems Submit::refuse_quarantined(const Application& application) {
  if (quarantine_.empty()) return {};
  for (std::size_t i = 0; i < application.fresh.size(); ++i) {
    if (!application.fresh[i]) continue;
    for (const PluginFile& file : application.draft->jobs[i].plugins)
      if (const auto entry = quarantine_.find(file.digest))
        return {Problem{Code::failed_precondition, quarantine_.explain(*entry),
                        application.request.file, ""}};
  }
  return {};
}

Submit::Problems Submit::check_space(const Application& application) const {
  std::uint64_t bytes = 0;
  bool any = false;
  for (std::size_t i = 0; i < application.fresh.size(); ++i) {
    if (!application.fresh[i]) continue;
    any = true;
    for (const auto& file : application.draft->jobs[i].job.artifacts) bytes += size_of(file);
  }
  if (disk_ == nullptr || !any) return {};
  const std::string text = disk_->refusal(bytes);
  if (text.empty()) return {};
  return {Problem{Code::unavailable, text, "", ""}};
}

// The claims keep what ship() has stored: it is all there.
void Submit::record_job(Application& application, std::size_t which) {
  const DraftJob& draft = application.draft->jobs[which];
  Machine::NewJob job{draft.job.name(),          draft.kind,         application.request.text,
                      application.request.actor, draft.job.document, {}};
  for (const auto& file : application.files[which]) {
    must(file.claim ? blobs_.record(file.digest, file.size)
                    : blobs_.put(as_bytes(file.data), file.digest));
    job.shipped.push_back(file.digest);
  }
  machine_.create(std::move(job), peers_.online_nodes());
}

Json Submit::record_resource(const ApplyRequest& request, const config::Resource& resource) {
  const std::string text = document_text(resource);
  auto old = unit_.sql("SELECT document FROM resource WHERE kind = ? AND name = ?");
  old.bind(1, resource.kind).bind(2, resource.name);
  const bool exists = must(old.step());
  const bool same = exists && old.column_text(0) == text;
  must(unit_
           .sql("INSERT OR REPLACE INTO resource(kind, name, document, file, created) VALUES(?, "
                "?, ?, ?, ?)")
           .bind(1, resource.kind)
           .bind(2, resource.name)
           .bind(3, text)
           .bind(4, request.file)
           .bind(5, wall_clock_text())
           .run());
  if (!same) {
    audit(unit_, request.actor, "resource.applied", resource.name,
          {{"kind", resource.kind}, {"digest", digest_of(as_bytes(text)).hex()}});
  }
  return outcome(resource.kind, resource.name, same ? "unchanged" : exists ? "updated" : "created");
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
