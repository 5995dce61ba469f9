// Blobs between cloud and edges, the edge's side: a thread and a CURVE DEALER socket of its own.
// Several transfers share it fairly; each goes on over reconnects, and over restarts of either
// side, until it ends or is cancelled.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/wire/blob_transfers.hpp"
#include "core/wire/keys.hpp"

namespace zmq {
class context_t;
}

namespace skerry::wire {

class BulkClient : public BlobTransfers {
 public:
  // A connection costs the server memory and a descriptor: there is one while a transfer is under
  // way, and for `idle` after the last one. The context must outlive the client.
  static constexpr std::chrono::milliseconds kIdle{30'000};
  static Result<std::unique_ptr<BulkClient>> start(zmq::context_t& context,
                                                   const std::string& endpoint, const KeyPair& self,
                                                   const std::string& server_key,
                                                   std::chrono::milliseconds idle = kIdle);
  ~BulkClient() override;  // joins; what is under way ends with Code::cancelled, partial files stay

  // Any thread, all of them.
  void get(const Digest& digest, std::filesystem::path partial_file, Done done) override;
  void put(const Digest& digest, std::filesystem::path file, std::uint64_t size,
           Done done) override;
  void put_bytes(const Digest& digest, std::string data, Done done) override;
  void cancel_get(const Digest& digest) override;
  void cancel_put(const Digest& digest) override;

 private:
  class Impl;
  explicit BulkClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::wire
