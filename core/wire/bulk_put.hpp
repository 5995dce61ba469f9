// One upload. Internal to core/wire; the client's thread only.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/file.hpp"
#include "core/wire/bulk_transfer.hpp"

namespace skerry::wire {

// What is sent: a file, or bytes.
struct PutContent {
  std::filesystem::path file;  // or, when empty,
  std::string data;
  std::uint64_t size = 0;
};

class PutTransfer : public Transfer {
 public:
  PutTransfer(std::uint64_t number, const Digest& digest, PutContent content);

  std::optional<zmq::message_t> next(std::size_t window) override;
  void receive(const FrameView& frame) override;

 private:
  void ask_again() override;
  std::optional<zmq::message_t> next_chunk();
  Status read(std::uint64_t offset, std::span<std::byte> into);
  void take_reply(const BlobPutReply& reply);
  void take_ack(const BlobPutAck& ack);

  PutContent content_;
  UniqueFd fd_;
  bool asked_ = false;        // BlobPut is out
  bool agreed_ = false;       // BlobPutReply is in
  std::uint64_t sent_ = 0;    // up to this offset
  std::uint64_t acked_ = 0;   // the server has it up to this offset
  std::uint64_t credit_ = 0;  // chunks
  std::uint64_t moved_ = 0;
  // Once from the first byte, after a mismatch that an earlier try may have caused.
  bool retried_ = false;
  bool resumed_ = false;
};

}  // namespace skerry::wire
