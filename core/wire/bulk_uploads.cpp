#include "core/wire/bulk_uploads.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/failpoint.hpp"
#include "core/base/try.hpp"

namespace skerry::wire {
namespace {

constexpr std::size_t kMaxUploads = 1024;
constexpr std::size_t kMaxUploadsOfUser = 64;
// Chunks under way of all uploads together: it bounds the host's memory whatever the number of
// edges.
constexpr std::size_t kCreditOfAll = 64;
constexpr std::size_t kCreditOfOne = 16;
constexpr std::chrono::seconds kSilence{60};

}  // namespace

std::uint32_t Uploads::credit() const {
  return std::clamp<std::size_t>(kCreditOfAll / std::max<std::size_t>(1, uploads_.size()), 2,
                                 kCreditOfOne);
}

Uploads::Upload* Uploads::find(const Digest& digest, std::uint64_t number) {
  const auto at = uploads_.find(digest);
  return at != uploads_.end() && at->second.number == number ? &at->second : nullptr;
}

bool Uploads::may_begin(const ReplyTo& to, const std::string& user, const Digest& digest) {
  const auto of_user = std::count_if(uploads_.begin(), uploads_.end(),
                                     [&](const auto& entry) { return entry.second.user == user; });
  if (uploads_.size() < kMaxUploads && of_user < static_cast<long>(kMaxUploadsOfUser)) return true;
  outlet_.refuse(to, digest, {Code::unavailable, "too many uploads at a time", {}, {}});
  return false;
}

void Uploads::put(const ReplyTo& to, const std::string& user, const BlobPut& request) {
  const auto at = uploads_.find(request.digest);
  if (at == uploads_.end()) {
    if (!may_begin(to, user, request.digest)) return;
    Upload& upload = uploads_[request.digest];
    upload.user = user;
    upload.to = to;
    upload.size = request.size;
    upload.number = next_number_++;
    upload.last_heard = Clock::now();
    admit(request.digest, upload);
    return;
  }
  Upload& upload = at->second;
  if (upload.user != user) {
    outlet_.reply(to, BlobPutReply{request.digest, 0, 0, false});
    return;
  }
  if (upload.size != request.size) {
    outlet_.refuse(
        to, request.digest,
        {Code::invalid_argument,
         fmt::format("this blob is under way with {} bytes, not {}", upload.size, request.size),
         {},
         {}});
    return;
  }
  upload.to = to;
  upload.last_heard = Clock::now();
  if (upload.stage != Stage::admitting) go_on(request.digest, upload);
}

void Uploads::admit(const Digest& digest, const Upload& upload) {
  auto done = [this, digest, number = upload.number, inbox = inbox_](Result<BulkTarget> target) {
    inbox->post(
        [this, digest, number, target = std::move(target)] { admitted(digest, number, target); });
  };
  backend_.admit(upload.user, digest, upload.size, std::move(done));
}

void Uploads::admitted(const Digest& digest, std::uint64_t number, Result<BulkTarget> target) {
  Upload* upload = find(digest, number);
  if (!upload || upload->stage != Stage::admitting) return;
  if (!target) {
    end(digest, target.error());
    return;
  }
  if (target->have) {
    outlet_.reply(upload->to, BlobPutReply{digest, upload->size, 0, true});
    uploads_.erase(digest);
    return;
  }
  if (const auto status = open(digest, *upload, target->staging_file); !status) {
    end(digest, status.error());
  }
}

Status Uploads::open(const Digest& digest, Upload& upload, const std::filesystem::path& path) {
  SKERRY_ASSIGN(upload.file, PartialFile::open(path));
  if (upload.file->size() > upload.size) SKERRY_TRY(upload.file->restart());
  upload.stage = Stage::receiving;
  SKERRY_FAILPOINT("bulk.upload.begun");
  go_on(digest, upload);
  if (upload.file->size() == upload.size) finish(digest, upload);
  return {};
}

void Uploads::go_on(const Digest& digest, const Upload& upload) {
  outlet_.reply(upload.to, BlobPutReply{digest, upload.file->size(), credit(), false});
}

void Uploads::acknowledge(const Digest& digest, const Upload& upload, bool complete) {
  outlet_.reply(upload.to,
                BlobPutAck{digest, upload.file->size(), upload.file->durable(), complete});
}

void Uploads::chunk(const ReplyTo& to, const std::string& user, const Chunk& chunk) {
  outlet_.tally().bytes_received += chunk.data.size();
  const auto at = uploads_.find(chunk.digest);
  if (at == uploads_.end() || at->second.user != user || at->second.stage == Stage::admitting) {
    outlet_.refuse(to, chunk.digest, {Code::unavailable, "this upload is not under way", {}, {}});
    return;
  }
  Upload& upload = at->second;
  upload.to = to;
  upload.last_heard = Clock::now();
  if (chunk.size != upload.size) {
    end(chunk.digest,
        {Code::invalid_argument, "a chunk names another size than its upload", {}, {}});
    return;
  }
  // Chunks after a gap are sent again, once the client hears of the gap or loses patience.
  const bool next = !chunk.data.empty() && upload.stage == Stage::receiving &&
                    chunk.offset == upload.file->size();
  if (next) {
    if (const auto status = upload.file->append(chunk.data); !status) {
      end(chunk.digest, status.error());
      return;
    }
  }
  SKERRY_FAILPOINT("bulk.upload.appended");
  acknowledge(chunk.digest, upload, false);
  if (next && upload.file->size() == upload.size) finish(chunk.digest, upload);
}

void Uploads::finish(const Digest& digest, Upload& upload) {
  upload.stage = Stage::storing;
  SKERRY_FAILPOINT("bulk.upload.whole");
  const auto found = upload.file->finish();
  if (!found) {
    end(digest, found.error());
    return;
  }
  const auto path = upload.file->path();
  if (*found != digest) {
    static_cast<void>(remove_file(path));
    end(digest, {Code::data_loss,
                 fmt::format("digest mismatch: the upload of {} is in truth {}; it was thrown away",
                             digest.hex(), found->hex()),
                 {},
                 {}});
    return;
  }
  auto done = [this, digest, number = upload.number, inbox = inbox_](Status status) {
    inbox->post([this, digest, number, status] { stored(digest, number, status); });
  };
  backend_.received(upload.user, digest, upload.size, path, std::move(done));
}

void Uploads::stored(const Digest& digest, std::uint64_t number, Status status) {
  Upload* upload = find(digest, number);
  if (!upload) return;
  if (!status) {
    end(digest, status.error());
    return;
  }
  ++outlet_.tally().uploads_completed;
  SKERRY_FAILPOINT("bulk.upload.stored");
  acknowledge(digest, *upload, true);
  uploads_.erase(digest);
}

void Uploads::end(const Digest& digest, const Problem& problem) {
  outlet_.refuse(uploads_.at(digest).to, digest, problem);
  uploads_.erase(digest);
}

void Uploads::forget(const std::string& user) {
  std::erase_if(uploads_, [&](const auto& entry) { return entry.second.user == user; });
}

void Uploads::tidy(Clock::time_point now) {
  std::erase_if(uploads_, [now](const auto& entry) {
    return entry.second.stage == Stage::receiving && now - entry.second.last_heard > kSilence;
  });
}

}  // namespace skerry::wire
