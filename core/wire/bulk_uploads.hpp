// The bulk server's uploads: partial files that grow in order and are given to the backend once
// they are whole, right and durable. Internal to core/wire; the bulk thread only.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/wire/bulk_outlet.hpp"
#include "core/wire/chunk.hpp"
#include "core/wire/inbox.hpp"
#include "core/wire/partial_file.hpp"

namespace skerry::wire {

class Uploads {
 public:
  using Clock = std::chrono::steady_clock;

  Uploads(BulkBackend& backend, std::shared_ptr<Inbox> inbox, BulkOutlet& outlet)
      : backend_(backend), inbox_(std::move(inbox)), outlet_(outlet) {}

  void put(const ReplyTo& to, const std::string& user, const BlobPut& request);
  void chunk(const ReplyTo& to, const std::string& user, const Chunk& chunk);
  // Closes uploads that have been silent for long; their files stay.
  void tidy(Clock::time_point now);
  // Closes this user's uploads; their files stay.
  void forget(const std::string& user);

 private:
  enum class Stage { admitting, receiving, storing };
  struct Upload {
    Stage stage = Stage::admitting;
    std::string user;
    ReplyTo to;  // of the latest message: a client that connects again has a new routing id
    std::uint64_t size = 0;
    std::uint64_t number = 0;  // tells this upload from a later one of the same blob
    std::optional<PartialFile> file;
    Clock::time_point last_heard;
  };

  void admit(const Digest& digest, const Upload& upload);
  void admitted(const Digest& digest, std::uint64_t number, Result<BulkTarget> target);
  Status open(const Digest& digest, Upload& upload, const std::filesystem::path& path);
  void go_on(const Digest& digest, const Upload& upload);
  void acknowledge(const Digest& digest, const Upload& upload, bool complete);
  void finish(const Digest& digest, Upload& upload);
  void stored(const Digest& digest, std::uint64_t number, Status status);
  void end(const Digest& digest, const Problem& problem);
  Upload* find(const Digest& digest, std::uint64_t number);
  bool may_begin(const ReplyTo& to, const std::string& user, const Digest& digest);
  std::uint32_t credit() const;

  BulkBackend& backend_;
  std::shared_ptr<Inbox> inbox_;
  BulkOutlet& outlet_;
  std::uint64_t next_number_ = 1;
  std::map<Digest, Upload> uploads_;  // one a blob: a second user waits and then finds it stored
};

}  // namespace skerry::wire
