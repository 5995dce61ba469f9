#include "core/engine/cloud/backups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/engine/audit.hpp"
#include "core/engine/collector.hpp"
#include "core/engine/wall_clock.hpp"
#include "core/version.hpp"

namespace skerry::engine::cloud {
namespace {

constexpr std::size_t kFilesATurn = 64;

// What the audit log keeps of a backup that was made.
Json details_of(const std::filesystem::path& to, const store::Manifest& manifest) {
  return {{"to", to.string()},
          {"database", manifest.database.hex()},
          {"files", manifest.files},
          {"audit", manifest.audit.text()}};
}

}  // namespace

Backups::Backups(Loop& loop, Unit& unit, store::BlobStore& blobs, Options options)
    : loop_(loop), unit_(unit), blobs_(blobs), options_(std::move(options)) {}

Backups::~Backups() {
  cancelled_ = true;
  if (thread_.joinable()) thread_.join();
}

Status Backups::begin(const std::filesystem::path& to, const std::string& actor, Done done) {
  if (!making_.empty()) {
    return fail(Code::failed_precondition,
                fmt::format("a backup to {} is being made; wait for its end", making_.string()));
  }
  if (auto possible = store::check_backup_target(options_.state, to); !possible) return possible;
  making_ = to;
  audit(unit_, actor, "backup.begun", "cloud", {{"to", to.string()}});
  unit_.after_commit([this, to, actor, done = std::move(done)] { make(to, actor, done); });
  return {};
}

// Files that were given up after the backup's moment are still named by its rows.
void Backups::make(const std::filesystem::path& to, const std::string& actor, const Done& done) {
  hold_ = blobs_.hold();
  if (thread_.joinable()) thread_.join();  // of the one before, which has ended
  const store::BackupRequest request{.state = options_.state,
                                     .to = to,
                                     .version = kVersion,
                                     .created = wall_clock_text(),
                                     .public_key = options_.public_key,
                                     .keep_free = options_.keep_free,
                                     .cancelled = [this] { return cancelled_.load(); }};
  const auto work = [this, request, actor, done] {
    const auto made = std::make_shared<const Result<store::Manifest>>(store::make_backup(request));
    loop_.post([this, to = request.to, actor, done, made] { end(to, actor, *made, done); });
  };
  try {
    thread_ = std::thread(work);
  } catch (const std::system_error& error) {
    end(to, actor, fail(Code::unavailable, fmt::format("cannot start a thread: {}", error.what())),
        done);
  }
}

void Backups::end(const std::filesystem::path& to, const std::string& actor,
                  const Result<store::Manifest>& made, const Done& done) {
  hold_.reset();
  making_.clear();
  free_held_back(std::make_shared<std::vector<Digest>>(blobs_.take_held_back()), 0);
  const Unit::Scope scope(unit_);
  if (made) {
    audit(unit_, actor, "backup.made", "cloud", details_of(to, *made));
    log_info(fmt::format("a backup was made: {}", to.string()));
  } else {
    audit(unit_, actor, "backup.failed", "cloud",
          {{"to", to.string()}, {"message", made.error().text()}});
    log_warn(fmt::format("no backup was made: {}", made.error().text()));
  }
  SKERRY_FAILPOINT("cloud.backup.ended");
  done(made);
}

void Backups::free_held_back(std::shared_ptr<std::vector<Digest>> files, std::size_t from) {
  const std::size_t end = std::min(files->size(), from + kFilesATurn);
  for (std::size_t i = from; i < end; ++i) free_file(loop_, blobs_, (*files)[i]);
  if (end == files->size()) return;
  loop_.post([this, files = std::move(files), end] { free_held_back(files, end); });
}

}  // namespace skerry::engine::cloud
