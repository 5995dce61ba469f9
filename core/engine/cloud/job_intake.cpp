#include "core/engine/cloud/job_intake.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string_view>
#include <utility>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/config/document.hpp"
#include "core/plugin/catalog.hpp"
#include "core/plugin/search_path.hpp"

namespace skerry::engine::cloud {
namespace {

using Problems = std::vector<Problem>;

constexpr std::size_t kPiece = 1u << 20;

constexpr const char* kNoFiles =
    "a file that a job takes with it is one of the cloud's machine, and none is read there for an "
    "admin key from afar: copy it to that machine and run `skerry apply` there, as the cloud's "
    "user; a job from afar can then name it as a Model that was applied there";
constexpr const char* kNoFolders =
    "plugins are code of the cloud's machine, and none is taken from a folder that an admin key "
    "from afar names: start skerry-cloud with --plugin-path, or run `skerry apply` there, as the "
    "cloud's user";

Problem refusal(const config::Document& document, const char* pointer, const char* field,
                const char* why) {
  return {Code::permission_denied, why, document.source.where(pointer), field};
}

// What names a place on this machine, found before anything is looked for there.
Problems places_named(const std::vector<config::Document>& documents) {
  Problems problems;
  for (const auto& document : documents) {
    const Json& value = document.value;
    if (!value.is_object()) continue;  // parse_resources says what is wrong with it
    const auto spec = value.find("spec"), kind = value.find("kind");
    if (spec != value.end() && spec->is_object() && !spec->value("pluginPath", Json()).empty())
      problems.push_back(refusal(document, "/spec/pluginPath", "spec.pluginPath", kNoFolders));
    if (kind != value.end() && *kind == "Model")
      problems.push_back(refusal(document, "/spec/file", "spec.file", kNoFiles));
  }
  return problems;
}

// Resources that were applied earlier can be named by a job; those in the file come first.
std::vector<config::Document> with_stored(std::vector<config::Document> documents,
                                          const std::vector<config::Resource>& resources,
                                          const std::vector<StoredResource>& stored) {
  for (const auto& old : stored) {
    const bool replaced = std::any_of(resources.begin(), resources.end(), [&](const auto& fresh) {
      return fresh.kind == old.kind && fresh.name == old.name;
    });
    if (replaced) continue;
    if (auto document = config::parse_documents(old.document, old.file))
      documents.push_back(std::move(document->front()));
  }
  return documents;
}

// Its digest, and its bytes where they are few.
Result<Digest> copy(const config::ArtifactFile& file, const std::filesystem::path& to,
                    ShippedFile& shipped) {
  SKERRY_ASSIGN(const auto source, open_file(file.path, O_RDONLY));
  UniqueFd target;
  Hasher hasher;
  std::string piece(kPiece, '\0');
  while (true) {
    const ssize_t got = ::read(source.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_problem(errno, "read", file.path));
    if (got == 0) return hasher.finish();
    const std::string_view read(piece.data(), static_cast<std::size_t>(got));
    hasher.update(as_bytes(read));
    shipped.size += read.size();
    if (!target && shipped.size <= store::kInlineLimit) {
      shipped.data += read;
      continue;
    }
    if (!target) {
      SKERRY_ASSIGN(target, open_file(to, O_WRONLY | O_CREAT | O_EXCL));
      SKERRY_TRY(write_all(target.get(), as_bytes(std::exchange(shipped.data, {})), to));
    }
    SKERRY_TRY(write_all(target.get(), as_bytes(read), to));
  }
}

Status store_copy(store::BlobStore& blobs, const config::ArtifactFile& file,
                  const std::filesystem::path& staged, ShippedFile& shipped) {
  SKERRY_ASSIGN(shipped.digest, copy(file, staged, shipped));
  if (shipped.digest != file.digest) {
    return fail(Code::failed_precondition,
                "the file changed while the job was being applied; apply again",
                file.path.string());
  }
  if (shipped.size <= store::kInlineLimit) return {};
  shipped.claim = blobs.claim(shipped.digest);
  return blobs.prepare_file(staged, shipped.digest, shipped.size);
}

}  // namespace

tl::expected<Draft, Problems> read_draft(const ApplyRequest& request,
                                         const std::vector<StoredResource>& stored) {
  const auto documents = config::parse_documents(request.text, request.file);
  if (!documents) return tl::unexpected(Problems{documents.error()});
  if (request.from_afar)
    if (auto problems = places_named(*documents); !problems.empty())
      return tl::unexpected(std::move(problems));
  const auto catalog = plugin::Catalog::scan(plugin::search_path(config::plugin_paths(*documents)));
  auto resources = config::parse_resources(*documents, catalog);
  if (!resources) return tl::unexpected(std::move(resources).error());
  const auto known = with_stored(*documents, *resources, stored);
  config::ResolveOptions options{.nodes = request.nodes};
  if (request.from_afar) options.no_files = kNoFiles;

  Draft draft;
  for (auto& resource : *resources) {
    if (config::is_core_kind(resource.kind)) {
      // A file that it names would be read when a job names it, whoever's that is.
      if (request.from_afar)
        if (auto problems = config::check_dataset(resource, catalog, options); !problems.empty())
          return tl::unexpected(std::move(problems));
      draft.resources.push_back(std::move(resource));
      continue;
    }
    options.job = resource.name;
    auto job = config::resolve_job(known, catalog, options);
    if (!job) return tl::unexpected(std::move(job).error().problems);
    std::string plan = dump_json(job->document);
    auto plugins = JobPlugins::named_by(catalog, job->document);
    draft.jobs.push_back({std::move(*job), resource.kind, std::move(plan), std::move(plugins)});
  }
  return draft;
}

Result<ShippedFile> ship(store::BlobStore& blobs, const config::ArtifactFile& file) {
  static std::atomic<unsigned> counter{0};
  const auto staged = blobs.staging_dir() / fmt::format("apply-{}", counter++);
  ShippedFile shipped;
  if (const Status stored = store_copy(blobs, file, staged, shipped); !stored) {
    static_cast<void>(remove_file(staged));
    return fail(stored.error());
  }
  return shipped;
}

}  // namespace skerry::engine::cloud
