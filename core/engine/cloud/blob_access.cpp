#include "core/engine/cloud/blob_access.hpp"

#include <fmt/format.h>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/engine/collector.hpp"

namespace skerry::engine::cloud {
namespace {

// Bytes of disk that uploads must leave where nobody watches it.
constexpr std::uint64_t kReserve = 64u << 20;

}  // namespace

void BlobAccess::resolve(const std::string& user, const Digest& digest,
                         std::function<void(Result<wire::BulkSource>)> done) {
  loop_.post([this, user, digest, done = std::move(done)] { done(find(user, digest)); });
}

Status BlobAccess::may(const std::string& user, const Deed& deed) {
  const auto caller = parse_user_id(user);
  if (!caller) return fail(Code::permission_denied, "this connection is nobody's");
  return authorize(unit_, *caller, deed);
}

// A node can try as often as it likes; people are told now and then.
void BlobAccess::note_refusal(const std::string& user, const char* action, const Problem& why) {
  const auto caller = parse_user_id(user);
  if (!caller) return;  // cannot be: ZAP lets nobody else in
  const std::string actor = caller->actor();
  const auto left_out = refusals_.admit(actor + " " + action, loop_.now());
  if (!left_out) return;
  log_warn(fmt::format("{}: {}: {}", actor, action, why.message));
  audit(unit_, actor, action, caller->name, {{"message", why.message}, {"leftOut", *left_out}});
}

Result<wire::BulkSource> BlobAccess::find(const std::string& user, const Digest& digest) {
  const Deed deed{.type = wire::Type::blob_get, .digest = &digest};
  if (const auto allowed = may(user, deed); !allowed) {
    note_refusal(user, "download.refused", allowed.error());
    return fail(allowed.error());
  }
  SKERRY_ASSIGN(auto blob, blobs_.find(digest));
  if (!blob) return fail(Code::not_found, "the artifact is not in the store any more");
  return wire::BulkSource{std::move(blob->path), blob->size, std::move(blob->inline_data)};
}

void BlobAccess::admit(const std::string& user, const Digest& digest, std::uint64_t size,
                       std::function<void(Result<wire::BulkTarget>)> done) {
  loop_.post([this, user, digest, size, done = std::move(done)] {
    const Unit::Scope scope(unit_);
    // Pinned before the node hears that it need not send what is here, or may send what is not.
    unit_.after_commit([done, found = target(user, digest, size)] { done(found); });
  });
}

Result<wire::BulkTarget> BlobAccess::target(const std::string& user, const Digest& digest,
                                            std::uint64_t size) {
  const Deed deed{.type = wire::Type::blob_put, .digest = &digest, .size = size};
  if (const auto allowed = may(user, deed); !allowed) {
    note_refusal(user, "upload.refused", allowed.error());
    return fail(allowed.error());
  }
  const std::string node = parse_user_id(user)->name;
  if (!tasks_.pin_for(node, digest))
    return fail(Code::permission_denied, "this node has no open task");
  SKERRY_ASSIGN(const bool have, blobs_.contains(digest));
  const auto space = disk_space(uploads_);
  const std::uint64_t wanted = size + (disk_ != nullptr ? disk_->low_mark() : kReserve);
  if (!have && space && space->available < wanted) {
    return fail(Code::unavailable,
                fmt::format("the cloud's disk has {} bytes left, too few for {} more",
                            space->available, size));
  }
  return wire::BulkTarget{have, partial(node, digest)};
}

std::filesystem::path BlobAccess::partial(const std::string& node, const Digest& digest) const {
  return uploads_ / (node + "-" + digest.hex());
}

bool BlobAccess::needs_partial(const std::string& name) {
  const auto dash = name.rfind('-');
  if (dash == std::string::npos) return false;
  const auto digest = Digest::from_hex(name.substr(dash + 1));
  return digest && tasks_.brings(name.substr(0, dash), *digest);
}

void BlobAccess::received(const std::string& user, const Digest& digest, std::uint64_t size,
                          std::filesystem::path file, std::function<void(Status)> done) {
  const auto claim = blobs_.claim(digest);
  const auto who = parse_user_id(user);
  const auto prepare = [this, digest, size, file] {
    return blobs_.prepare_file(file, digest, size);
  };
  const auto record = [this, claim, who, digest, size,
                       done = std::move(done)](const Verdict& verdict) {
    if (!verdict.ok) return done(fail(Code::data_loss, verdict.message));
    const Unit::Scope scope(unit_);
    if (!who || !tasks_.brings(who->name, digest)) {
      loop_.post([this, digest] { free_file(loop_, blobs_, digest); });  // without this claim
      return done(fail(Code::failed_precondition,
                       "the task that this belongs to was closed while it was sent"));
    }
    if (!done_unless(Code::not_found, blobs_.record(digest, size))) {
      return done(
          fail(Code::unavailable, "the same bytes were given up meanwhile; send them again"));
    }
    SKERRY_FAILPOINT("cloud.upload.recorded");
    unit_.after_commit([done] { done({}); });
  };
  loop_.post([this, prepare, record] { examiner_.examine({}, prepare, record); });
}

}  // namespace skerry::engine::cloud
