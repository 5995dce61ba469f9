// Blobs between cloud and edges, the cloud's side: a thread and a CURVE ROUTER socket of its own,
// so that a large upload never delays a heartbeat.
//
// Download: the edge asks chunk by chunk (BlobGet -> blob_chunk). Upload: BlobPut ->
// BlobPutReply(go on at offset), then chunks within the credit, each answered by BlobPutAck;
// complete only after fdatasync, a matching digest and the backend's consent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/zap.hpp"

namespace zmq {
class context_t;
}

namespace skerry::wire {

struct BulkSource {
  std::filesystem::path path;  // or, when empty,
  std::uint64_t size = 0;
  std::string inline_data;
};

struct BulkTarget {
  bool have = false;  // it is here already: nothing to send
  // One for a user and digest, kept from try to try, so that an upload resumes. Its folder exists.
  std::filesystem::path staging_file;
};

// Called on the bulk thread; must not block. Each callback is called once, from any thread, at any
// time, also after the server is gone.
class BulkBackend {
 public:
  virtual ~BulkBackend() = default;
  // May this user read it, and where is it: not_found, permission_denied. The answer is used for up
  // to 30 s.
  virtual void resolve(const std::string& user, const Digest& digest,
                       std::function<void(Result<BulkSource>)> done) = 0;
  // May this user store it, and where does it grow.
  virtual void admit(const std::string& user, const Digest& digest, std::uint64_t size,
                     std::function<void(Result<BulkTarget>)> done) = 0;
  // The file is whole, its digest is right, its data is on the disk. The backend takes the file
  // over.
  virtual void received(const std::string& user, const Digest& digest, std::uint64_t size,
                        std::filesystem::path file, std::function<void(Status)> done) = 0;
};

struct BulkCounters {
  std::uint64_t bytes_sent = 0;      // blob data only
  std::uint64_t bytes_received = 0;  // blob data only, duplicates included
  std::uint64_t uploads_completed = 0;
  std::uint64_t refused = 0;    // requests answered by BlobError
  std::uint64_t malformed = 0;  // frames dropped: form, checksum, more than one frame, no user
  std::uint64_t dropped = 0;    // replies that could not be sent: peer gone, or its queue full
  std::uint64_t cut = 0;        // connections: turned out, too many, or sending without an end
};

class BulkServer {
 public:
  // `on_refused`: see SocketThread::RouterOptions; called on the bulk thread. A ZAP handler must be
  // running in this context. The backend must outlive the server.
  static Result<std::unique_ptr<BulkServer>> start(
      zmq::context_t& context, const std::string& endpoint, const KeyPair& self,
      BulkBackend& backend, std::function<void(const Refusal&)> on_refused = {});
  ~BulkServer();  // joins; partial uploads stay on the disk

  int port() const;
  const std::string& endpoint() const;  // as bound
  BulkCounters counters() const;
  // Any thread. Ends the transfers of this ZAP user id, cuts its connections, takes nothing more
  // from it.
  void turn_out(const std::string& user);

 private:
  class Impl;
  explicit BulkServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::wire
