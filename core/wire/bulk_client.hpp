// Blobs between cloud and edges, the edge's side: a thread and a CURVE DEALER socket of its own.
// Several transfers share it fairly; each goes on over reconnects, and over restarts of either
// side, until it ends or is cancelled.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/wire/keys.hpp"

namespace zmq {
class context_t;
}

namespace skerry::wire {

class BulkClient {
 public:
  // Blob bytes that crossed the network for this transfer: 0 when all was there already. Called
  // once, on the client's thread; must only hand over, and may start or cancel transfers (one
  // started while the client dies is dropped).
  using Done = std::function<void(Result<std::uint64_t>)>;

  static Result<std::unique_ptr<BulkClient>> start(zmq::context_t& context,
                                                   const std::string& endpoint, const KeyPair& self,
                                                   const std::string& server_key);
  ~BulkClient();  // joins; what is under way ends with Code::cancelled, partial files stay

  // Any thread. Resumes from what is in `partial_file`, whose folder exists. On success the file is
  // whole, its digest is right and its data is on the disk. A second get of a blob under way fails
  // with already_exists. Problems: not_found, permission_denied, data_loss (the server's blob has
  // another digest), cancelled, and those of the local disk.
  void get(const Digest& digest, std::filesystem::path partial_file, Done done);
  // Any thread. On success the server has stored the blob for good. The file must not change
  // meanwhile.
  void put(const Digest& digest, std::filesystem::path file, std::uint64_t size, Done done);
  void put_bytes(const Digest& digest, std::string data, Done done);
  // Any thread. Ends the blob's get and put, if any, with Code::cancelled.
  void cancel(const Digest& digest);

 private:
  class Impl;
  explicit BulkClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::wire
