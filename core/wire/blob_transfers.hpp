// How an edge's engine moves blobs to and from the cloud.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"

namespace skerry::wire {

class BlobTransfers {
 public:
  // Blob bytes that crossed the network for this transfer: 0 when all was there already. Called
  // once, on a thread of the transfers' own; must only hand over, and may start or cancel transfers
  // (one started while the transfers end is dropped).
  using Done = std::function<void(Result<std::uint64_t>)>;

  virtual ~BlobTransfers() = default;

  // Resumes from what is in `partial_file`, whose folder exists. On success the file is whole, its
  // digest is right and its data is on the disk. A second get of a blob under way fails with
  // already_exists. Problems: not_found, permission_denied, data_loss (the server's blob has
  // another digest), cancelled, and those of the local disk.
  virtual void get(const Digest& digest, std::filesystem::path partial_file, Done done) = 0;
  // On success the server has stored the blob for good. The file must not change meanwhile.
  virtual void put(const Digest& digest, std::filesystem::path file, std::uint64_t size,
                   Done done) = 0;
  virtual void put_bytes(const Digest& digest, std::string data, Done done) = 0;
  // Ends the blob's get or its put, if any, with Code::cancelled.
  virtual void cancel_get(const Digest& digest) = 0;
  virtual void cancel_put(const Digest& digest) = 0;
};

}  // namespace skerry::wire
