// One download. Internal to core/wire; the client's thread only.
#pragma once

#include "core/wire/bulk_transfer.hpp"
#include "core/wire/chunk.hpp"
#include "core/wire/partial_file.hpp"

namespace skerry::wire {

class GetTransfer : public Transfer {
 public:
  GetTransfer(std::uint64_t number, const Digest& digest, const std::filesystem::path& partial);

  std::optional<zmq::message_t> next(std::size_t window) override;
  void receive(const FrameView& frame) override;

 private:
  void ask_again() override;
  void take(const Chunk& chunk);
  void finish();
  void begin_anew();

  std::optional<PartialFile> file_;
  bool resumed_ = false;               // the file began with an earlier try's content
  std::optional<std::uint64_t> size_;  // of the whole blob; known from the first chunk
  std::uint64_t asked_ = 0;            // requests are out up to this offset
  bool waiting_for_first_ = false;
  std::uint64_t moved_ = 0;
};

}  // namespace skerry::wire
