#include "idx_file.hpp"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <skerry/error.hpp>
#include <skerry/tensor.hpp>

namespace {

constexpr int kUnsignedByte = 0x08;
constexpr std::size_t kMostDims = 4;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 40;
constexpr std::size_t kChunk = std::size_t{4} << 20;

struct Close {
  void operator()(gzFile file) const { gzclose_r(file); }
};

// Reads through zlib, which hands plain files on as they are.
class Reader {
 public:
  Reader(const std::string& path, const std::string& field) : path_(path), field_(field) {
    if (!std::filesystem::is_regular_file(path)) throw wrong("no such file");
    file_.reset(gzopen(path.c_str(), "rb"));
    if (file_ == nullptr) throw wrong("cannot be opened for reading");
    gzbuffer(file_.get(), 256 * 1024);
  }

  // The number of bytes read: fewer than `size` only at the end of the file.
  std::size_t read(std::uint8_t* to, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      const int got =
          gzread(file_.get(), to + done, static_cast<unsigned>(std::min(size - done, kChunk)));
      if (got < 0) throw wrong(damage());
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  // gzread reports a gzip stream that stops early only here. Call where the data ended too soon.
  bool gzip_cut_off() {
    int code = Z_OK;
    gzerror(file_.get(), &code);
    return code == Z_BUF_ERROR;
  }

  skerry::Error wrong(const std::string& what) const {
    return skerry::invalid(field_, path_ + ": " + what);
  }

 private:
  std::string damage() {
    int code = Z_OK;
    const char* text = gzerror(file_.get(), &code);
    return "damaged gzip data: " +
           std::string(text == nullptr || *text == '\0' ? "unknown error" : text);
  }

  std::string path_, field_;
  std::unique_ptr<gzFile_s, Close> file_;
};

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

std::string hex(const std::uint8_t* bytes, std::size_t count) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += std::string(i == 0 ? "" : " ") + kDigits[bytes[i] >> 4] + kDigits[bytes[i] & 15];
  }
  return text;
}

std::vector<std::int64_t> read_shape(Reader& reader) {
  std::uint8_t magic[4] = {};
  const std::size_t found = reader.read(magic, sizeof(magic));
  if (found < sizeof(magic)) {
    throw reader.wrong("truncated: " + std::to_string(found) +
                       " bytes found, an IDX header begins with 4");
  }
  const std::size_t dims = magic[3];
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != kUnsignedByte || dims < 1 || dims > kMostDims) {
    throw reader.wrong("begins with the bytes " + hex(magic, sizeof(magic)) +
                       "; an IDX file of unsigned bytes begins with 00 00 08 and 01 to 04 (its "
                       "number of dimensions)");
  }
  std::uint8_t extents[4 * kMostDims] = {};
  const std::size_t got = reader.read(extents, 4 * dims);
  if (got < 4 * dims) {
    throw reader.wrong("truncated: " + std::to_string(4 + got) +
                       " bytes found, the header alone has " + std::to_string(4 + 4 * dims));
  }
  std::vector<std::int64_t> shape;
  for (std::size_t i = 0; i < dims; ++i) shape.push_back(big_endian(extents + 4 * i));
  return shape;
}

std::uint64_t size_of(const std::vector<std::int64_t>& shape, const Reader& reader) {
  std::uint64_t size = 1;
  for (const std::int64_t extent : shape) {
    const auto count = static_cast<std::uint64_t>(extent);
    if (count == 0)
      throw reader.wrong("holds nothing: its header says " + skerry::shape_text(shape));
    if (size > kMostBytes / count) {
      throw reader.wrong("its header says " + skerry::shape_text(shape) +
                         ", more than 1 TiB: damaged");
    }
    size *= count;
  }
  return size;
}

}  // namespace

IdxFile read_idx(const std::string& path, const std::string& field) {
  Reader reader(path, field);
  IdxFile file;
  file.shape = read_shape(reader);
  const std::uint64_t expected = size_of(file.shape, reader);
  while (file.data.size() < expected) {
    const std::size_t before = file.data.size();
    const std::size_t wanted = std::min<std::uint64_t>(std::max(kChunk, before), expected - before);
    file.data.resize(before + wanted);
    const std::size_t got = reader.read(file.data.data() + before, wanted);
    if (got == wanted) continue;
    throw reader.wrong(
        std::string(reader.gzip_cut_off() ? "truncated gzip file: " : "truncated: ") +
        std::to_string(before + got) + " bytes of data found, " + std::to_string(expected) +
        " expected for " + skerry::shape_text(file.shape));
  }
  std::uint8_t extra = 0;
  if (reader.read(&extra, 1) != 0) {
    throw reader.wrong("holds more than the " + std::to_string(expected) +
                       " bytes of data that its header " + skerry::shape_text(file.shape) +
                       " says");
  }
  if (reader.gzip_cut_off())
    throw reader.wrong("truncated gzip file: its last bytes, a check sum, are missing");
  return file;
}
