#include "core/wire/bulk_downloads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/try.hpp"
#include "core/wire/chunk.hpp"

namespace skerry::wire {
namespace {

constexpr std::size_t kMaxSources = 256;
constexpr std::size_t kMaxWaiting = 64;
constexpr std::chrono::seconds kTrust{30};

Status read_all(int fd, std::uint64_t offset, std::span<std::byte> into,
                const std::filesystem::path& path) {
  while (!into.empty()) {
    const ssize_t count = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_problem(errno, "read", path));
    if (count == 0) return fail(Code::data_loss, "this blob is shorter than recorded", path);
    into = into.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace

void Downloads::get(const ReplyTo& to, const std::string& user, const BlobGet& request) {
  const Key key{user, request.digest};
  const auto at = sources_.find(key);
  if (at != sources_.end() && at->second.ready) {
    serve(at->second, {to, request});
    return;
  }
  if (at == sources_.end() && sources_.size() >= kMaxSources) drop_oldest();
  if (at == sources_.end() && sources_.size() >= kMaxSources) {
    outlet_.refuse(to, request.digest, {Code::unavailable, "too many downloads at a time", {}, {}});
    return;
  }
  auto& waiting = sources_[key].waiting;
  if (waiting.size() >= kMaxWaiting) {
    ++outlet_.tally().dropped;
    return;
  }
  waiting.push_back({to, request});
  if (at == sources_.end()) resolve(key);
}

void Downloads::resolve(const Key& key) {
  auto done = [this, key, inbox = inbox_](Result<BulkSource> found) {
    inbox->post([this, key, found = std::move(found)] { resolved(key, found); });
  };
  backend_.resolve(key.first, key.second, std::move(done));
}

void Downloads::resolved(const Key& key, Result<BulkSource> found) {
  const auto at = sources_.find(key);
  if (at == sources_.end() || at->second.ready) return;
  Source& source = at->second;
  const auto waiting = std::exchange(source.waiting, {});
  const Status opened = found ? open(source, std::move(*found)) : fail(found.error());
  if (opened) {
    source.ready = true;
    source.since = Clock::now();
    for (const auto& request : waiting) serve(source, request);
    return;
  }
  for (const auto& request : waiting) outlet_.refuse(request.to, key.second, opened.error());
  sources_.erase(at);
}

Status Downloads::open(Source& source, BulkSource found) {
  source.size = found.size;
  source.path = std::move(found.path);
  source.inline_data = std::move(found.inline_data);
  if (source.path.empty()) {
    if (source.inline_data.size() == source.size) return {};
    return fail(Code::internal, "a blob's inline data differs from its recorded size");
  }
  SKERRY_ASSIGN(source.fd, open_file(source.path, O_RDONLY));
  return {};
}

void Downloads::serve(const Source& source, const Request& request) {
  const auto& [to, what] = request;
  if (what.offset > source.size) {
    outlet_.refuse(
        to, what.digest,
        {Code::invalid_argument,
         fmt::format("offset {} is beyond the blob's {} bytes", what.offset, source.size),
         {},
         {}});
    return;
  }
  const std::size_t length = std::min<std::uint64_t>(what.length, source.size - what.offset);
  zmq::message_t frame(kChunkDataOffset + length);
  const std::span<std::byte> whole(static_cast<std::byte*>(frame.data()), frame.size());
  if (const auto status = read(source, what.offset, whole.subspan(kChunkDataOffset)); !status) {
    outlet_.refuse(to, what.digest, status.error());
    return;
  }
  seal_chunk({Type::blob_chunk, 0, to.transfer}, what.digest, what.offset, source.size, whole);
  if (outlet_.send(to, std::move(frame))) outlet_.tally().bytes_sent += length;
}

Status Downloads::read(const Source& source, std::uint64_t offset, std::span<std::byte> into) {
  if (source.fd) return read_all(source.fd.get(), offset, into, source.path);
  if (!into.empty()) std::memcpy(into.data(), source.inline_data.data() + offset, into.size());
  return {};
}

void Downloads::tidy(Clock::time_point now) {
  std::erase_if(sources_, [now](const auto& entry) {
    return entry.second.ready && now - entry.second.since > kTrust;
  });
}

void Downloads::forget(const std::string& user) {
  std::erase_if(sources_, [&](const auto& entry) { return entry.first.first == user; });
}

void Downloads::drop_oldest() {
  auto oldest = sources_.end();
  for (auto at = sources_.begin(); at != sources_.end(); ++at) {
    if (!at->second.ready) continue;
    if (oldest == sources_.end() || at->second.since < oldest->second.since) oldest = at;
  }
  if (oldest != sources_.end()) sources_.erase(oldest);
}

}  // namespace skerry::wire
