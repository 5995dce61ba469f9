#include "core/wire/bulk_put.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/wire/chunk.hpp"

namespace skerry::wire {

PutTransfer::PutTransfer(std::uint64_t number, const Digest& digest, PutContent content)
    : Transfer(number, digest), content_(std::move(content)) {
  if (content_.file.empty()) return;
  auto opened = open_file(content_.file, O_RDONLY);
  if (opened) {
    fd_ = std::move(*opened);
  } else {
    give_up(opened.error());
  }
}

std::optional<zmq::message_t> PutTransfer::next(std::size_t window) {
  if (paused() || outcome()) return std::nullopt;
  if (!asked_) {
    asked_ = true;
    return request(BlobPut{digest_, content_.size});
  }
  if (!agreed_ || sent_ >= content_.size) return std::nullopt;
  const auto allowed = std::min<std::uint64_t>(credit_, window) * kChunkSize;
  if (sent_ - acked_ >= allowed) return std::nullopt;
  return next_chunk();
}

std::optional<zmq::message_t> PutTransfer::next_chunk() {
  const std::size_t length = std::min<std::uint64_t>(kChunkSize, content_.size - sent_);
  zmq::message_t frame(kChunkDataOffset + length);
  const std::span<std::byte> whole(static_cast<std::byte*>(frame.data()), frame.size());
  if (const auto status = read(sent_, whole.subspan(kChunkDataOffset)); !status) {
    give_up(status.error());
    return std::nullopt;
  }
  seal_chunk({Type::blob_put_chunk, 0, number_}, digest_, sent_, content_.size, whole);
  sent_ += length;
  moved_ += length;
  return frame;
}

Status PutTransfer::read(std::uint64_t offset, std::span<std::byte> into) {
  if (!fd_) {
    std::memcpy(into.data(), content_.data.data() + offset, into.size());
    return {};
  }
  while (!into.empty()) {
    const ssize_t count = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_problem(errno, "read", content_.file));
    if (count == 0) {
      return fail(Code::data_loss, "the file became shorter while it was sent",
                  content_.file.string());
    }
    into = into.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

void PutTransfer::receive(const FrameView& frame) {
  switch (frame.header.type) {
    case Type::blob_put_reply:
      if (const auto reply = decode<BlobPutReply>(frame.payload)) take_reply(*reply);
      break;
    case Type::blob_put_ack:
      if (const auto ack = decode<BlobPutAck>(frame.payload)) take_ack(*ack);
      break;
    case Type::blob_error: {
      const auto error = decode<BlobError>(frame.payload);
      if (!error) return;
      const bool mismatch = error->code == code_name(Code::data_loss);
      if (mismatch && resumed_ && !retried_) {
        retried_ = true;
        ask_again();
      } else {
        refused(*error);
      }
      break;
    }
    default:
      break;
  }
}

void PutTransfer::take_reply(const BlobPutReply& reply) {
  heard();
  if (reply.complete) {
    succeed(moved_);
  } else if (reply.credit == 0) {
    pause();
  } else if (reply.offset <= content_.size) {
    agreed_ = true;
    resumed_ = reply.offset > 0;
    credit_ = reply.credit;
    sent_ = acked_ = reply.offset;
  }
}

void PutTransfer::take_ack(const BlobPutAck& ack) {
  heard();
  if (ack.complete) {
    succeed(moved_);
  } else if (agreed_ && ack.received <= content_.size) {
    acked_ = std::max(acked_, ack.received);
    sent_ = std::max(sent_, acked_);
  }
}

void PutTransfer::ask_again() {
  asked_ = agreed_ = false;
}

}  // namespace skerry::wire
