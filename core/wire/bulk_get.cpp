#include "core/wire/bulk_get.hpp"
#include "core/base/failpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::wire {

GetTransfer::GetTransfer(std::uint64_t number, const Digest& digest,
                         const std::filesystem::path& partial)
    : Transfer(number, digest) {
  auto file = PartialFile::open(partial);
  if (!file) {
    give_up(file.error());
    return;
  }
  file_ = std::move(*file);
  asked_ = file_->size();
  resumed_ = asked_ > 0;
}

std::optional<zmq::message_t> GetTransfer::next(std::size_t window) {
  if (paused() || outcome()) return std::nullopt;
  std::uint64_t length = kChunkSize;
  if (!size_) {
    if (waiting_for_first_) return std::nullopt;
    waiting_for_first_ = true;
  } else {
    length = std::min<std::uint64_t>(length, *size_ - asked_);
    if (length == 0 || asked_ + length > file_->size() + window * kChunkSize) return std::nullopt;
  }
  const BlobGet get{digest_, asked_, static_cast<std::uint32_t>(length)};
  if (size_) asked_ += length;
  return request(get);
}

void GetTransfer::receive(const FrameView& frame) {
  if (frame.header.type == Type::blob_chunk) {
    if (const auto chunk = parse_chunk(frame.payload); chunk && chunk->digest == digest_) {
      take(*chunk);
    }
  } else if (frame.header.type == Type::blob_error) {
    const auto error = decode<BlobError>(frame.payload);
    if (!error) return;
    // The file may be longer than the blob: what an earlier try left is of no use.
    if (error->code == code_name(Code::invalid_argument) && resumed_) {
      begin_anew();
    } else {
      refused(*error);
    }
  }
}

void GetTransfer::take(const Chunk& chunk) {
  if (size_ && *size_ != chunk.size) {
    give_up({Code::data_loss,
             fmt::format("blob {} changed its size from {} to {} bytes on the way", digest_.hex(),
                         *size_, chunk.size),
             {},
             {}});
    return;
  }
  // Answers to requests that were repeated, or that overtook a lost one.
  if (chunk.offset != file_->size()) return;
  heard();
  if (!size_) {
    size_ = chunk.size;
    asked_ = chunk.offset + chunk.data.size();
  }
  if (const auto status = file_->append(chunk.data); !status) {
    give_up(status.error());
    return;
  }
  SKERRY_FAILPOINT("bulk.download.appended");
  moved_ += chunk.data.size();
  if (file_->size() == *size_) finish();
}

void GetTransfer::finish() {
  const auto found = file_->finish();
  if (!found) {
    give_up(found.error());
  } else if (*found == digest_) {
    SKERRY_FAILPOINT("bulk.download.whole");
    succeed(moved_);
  } else if (resumed_) {
    begin_anew();
  } else {
    give_up({Code::data_loss,
             fmt::format("digest mismatch: the server sent {} for blob {}; its store is damaged",
                         found->hex(), digest_.hex()),
             file_->path().string(),
             {}});
    if (const auto status = file_->restart(); !status) give_up(status.error());
  }
}

void GetTransfer::begin_anew() {
  resumed_ = false;
  if (const auto status = file_->restart(); !status) {
    give_up(status.error());
    return;
  }
  ask_again();
}

void GetTransfer::ask_again() {
  if (!file_) return;
  size_.reset();
  asked_ = file_->size();
  waiting_for_first_ = false;
}

}  // namespace skerry::wire
