// The bulk server's downloads: chunks on request, from a small cache of open files. Internal to
// core/wire; the bulk thread only.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/file.hpp"
#include "core/wire/bulk_outlet.hpp"
#include "core/wire/inbox.hpp"

namespace skerry::wire {

class Downloads {
 public:
  using Clock = std::chrono::steady_clock;

  Downloads(BulkBackend& backend, std::shared_ptr<Inbox> inbox, BulkOutlet& outlet)
      : backend_(backend), inbox_(std::move(inbox)), outlet_(outlet) {}

  void get(const ReplyTo& to, const std::string& user, const BlobGet& request);
  // Forgets what the backend said too long ago.
  void tidy(Clock::time_point now);
  // Forgets what this user may read; nobody waits for it any more.
  void forget(const std::string& user);

 private:
  using Key = std::pair<std::string, Digest>;  // permission is a user's own
  struct Request {
    ReplyTo to;
    BlobGet what;
  };
  struct Source {
    bool ready = false;
    Clock::time_point since;
    std::uint64_t size = 0;
    std::string inline_data;
    std::filesystem::path path;
    UniqueFd fd;                   // where there is no inline data
    std::vector<Request> waiting;  // until ready
  };

  void resolve(const Key& key);
  void resolved(const Key& key, Result<BulkSource> found);
  void drop_oldest();
  static Status open(Source& source, BulkSource found);
  void serve(const Source& source, const Request& request);
  static Status read(const Source& source, std::uint64_t offset, std::span<std::byte> into);

  BulkBackend& backend_;
  std::shared_ptr<Inbox> inbox_;
  BulkOutlet& outlet_;
  std::map<Key, Source> sources_;
};

}  // namespace skerry::wire
