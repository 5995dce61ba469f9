// Blobs and chunks for the targets of the bulk protocol. Small ones: the protocol has no lower
// limit, and a fuzzer has no time.
#pragma once

#include <array>
#include <zmq.hpp>

#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/wire/chunk.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace skerry::fuzz {

struct Blob {
  std::string content;
  Digest digest = digest_of(as_bytes(content));
};

inline const Blob& blob(std::size_t choice) {
  static const std::array<Blob, 4> all{Blob{""}, Blob{"a"}, Blob{std::string(40, 'b')},
                                       Blob{std::string(3000, 'c')}};
  return all[choice % all.size()];
}

// A folder in memory, the same for all inputs.
inline const std::filesystem::path& folder() {
  static const TempDir dir = TempDir::create("/dev/shm", "skerry-fuzz").value();
  return dir.path();
}

inline void empty_folder() {
  for (const auto& entry : std::filesystem::directory_iterator(folder()))
    std::filesystem::remove_all(entry);
}

// A frame as a peer would send it, right or not as the input says.
inline zmq::message_t chunk_frame(wire::Header header, const Blob& of, std::uint64_t offset,
                                  std::uint64_t size, std::string_view data) {
  zmq::message_t frame(wire::kChunkDataOffset + data.size());
  std::copy(data.begin(), data.end(), frame.data<char>() + wire::kChunkDataOffset);
  wire::seal_chunk(header, of.digest, offset, size, {frame.data<std::byte>(), frame.size()});
  return frame;
}

}  // namespace skerry::fuzz
