// Each function of a format is as strict as the decoder that OpenCV has for the format: a file must
// not show one size here and another one there.
#include "encoded_picture.hpp"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <utility>

namespace encoded {
namespace {

constexpr int kMostScans = 64;  // of a JPEG; each goes through the whole picture again

// The bytes of a file of one format. What lies beyond them is refused as cut off.
class File {
 public:
  File(const char* format, skerry::Span<const std::uint8_t> bytes)
      : format_(format), bytes_(bytes) {}

  // Refuses what is no size, or too much.
  void check_size(std::uint64_t width, std::uint64_t height) const {
    if (width == 0 || height == 0) throw damaged("is damaged: it says that it has no pixels");
    if (width <= kMostPixels / height) return;
    throw damaged("has " + std::to_string(width) + " x " + std::to_string(height) +
                  " pixels; at most " + std::to_string(kMostPixels / 1'000'000) +
                  " megapixels are taken: send a smaller one");
  }

  std::uint8_t byte(std::size_t at) const {
    need(at, 1);
    return bytes_[at];
  }
  std::uint64_t big_endian(std::size_t at, std::size_t count) const {
    need(at, count);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes_[at + i];
    return value;
  }
  std::uint64_t little_endian(std::size_t at, std::size_t count) const {
    need(at, count);
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | bytes_[at + i];
    return value;
  }
  bool says(std::size_t at, const char* text) const {
    need(at, std::strlen(text));
    return std::memcmp(bytes_.data() + at, text, std::strlen(text)) == 0;
  }
  // The place of the next byte of this value, from `at` on.
  std::size_t find(std::size_t at, std::uint8_t value) const {
    need(at, 1);
    const void* found = std::memchr(bytes_.data() + at, value, bytes_.size() - at);
    if (found == nullptr) throw cut_off();
    return static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes_.data());
  }
  void need(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || bytes_.size() - at < count) throw cut_off();
  }
  skerry::Error damaged(const std::string& why) const {
    return skerry::invalid("", "this " + std::string(format_) + " picture " + why);
  }

 private:
  skerry::Error cut_off() const {
    return damaged("is cut off: there is more of it than the " + std::to_string(bytes_.size()) +
                   " bytes that came");
  }

  const char* format_;
  skerry::Span<const std::uint8_t> bytes_;
};

// ---------------------------------------------------------------------------------------- formats

// Moves `at` past the next marker of a JPEG, over what is compressed between two of them.
std::uint8_t next_marker(const File& file, std::size_t& at) {
  for (;;) {
    at = file.find(at, 0xFF);
    while (file.byte(at) == 0xFF) ++at;  // there may be any number of them
    const std::uint8_t marker = file.byte(at++);
    if (marker != 0) return marker;  // 0 stands for a compressed byte 0xFF
  }
}

// Up to the end, because libjpeg makes up what is missing.
void check_jpeg(const File& file) {
  constexpr std::uint8_t kScan = 0xDA, kEnd = 0xD9;
  bool sized = false;
  int scans = 0;
  for (std::size_t at = 2;;) {
    const std::uint8_t marker = next_marker(file, at);
    if (marker == kEnd) break;
    if (marker < 0xC0 || (marker >= 0xD0 && marker <= 0xD8)) continue;  // no segment follows
    const bool table = marker == 0xC4 || marker == 0xC8 || marker == 0xCC;
    if (marker <= 0xCF && !table) {
      if (std::exchange(sized, true)) throw file.damaged("is damaged: it has two sizes");
      file.check_size(file.big_endian(at + 5, 2), file.big_endian(at + 3, 2));
    }
    if (marker == kScan && ++scans > kMostScans)
      throw file.damaged("has more than " + std::to_string(kMostScans) +
                         " scans; save it with fewer");
    at += file.big_endian(at, 2);
  }
  if (!sized || scans == 0) throw file.damaged("is damaged: it ends before its first pixel");
}

void check_png(const File& file) {
  if (file.big_endian(8, 4) != 13 || !file.says(12, "IHDR"))
    throw file.damaged("is damaged: it does not begin with its size");
  file.check_size(file.big_endian(16, 4), file.big_endian(20, 4));
  for (std::size_t at = 8;;) {
    const std::uint64_t chunk = 12 + file.big_endian(at, 4);
    file.need(at, chunk);
    if (file.says(at + 4, "IEND")) return;
    at += chunk;
  }
}

void check_webp_lossy(const File& file, std::uint64_t chunk) {
  const std::uint64_t frame = file.little_endian(20, 3);
  const bool key_frame = (frame & 1) == 0, shown = (frame >> 4 & 1) == 1;
  if (!key_frame || !shown || (frame >> 1 & 7) > 3 || frame >> 5 >= chunk ||
      !file.says(23, "\x9D\x01\x2A"))
    throw file.damaged("is damaged: what should be its first frame is none");
  file.check_size(file.little_endian(26, 2) & 0x3FFF, file.little_endian(28, 2) & 0x3FFF);
}

void check_webp_lossless(const File& file) {
  const std::uint64_t sizes = file.little_endian(21, 4);
  if (file.byte(20) != 0x2F || sizes >> 29 != 0)
    throw file.damaged("is damaged: what should be its first frame is none");
  file.check_size((sizes & 0x3FFF) + 1, (sizes >> 14 & 0x3FFF) + 1);
}

void check_webp_canvas(const File& file, std::uint64_t chunk) {
  constexpr std::uint8_t kAnimated = 2;
  if (chunk != 10) throw file.damaged("is damaged: its header has a wrong length");
  if ((file.byte(20) & kAnimated) != 0) throw file.damaged("is animated; send one without motion");
  file.check_size(file.little_endian(24, 3) + 1, file.little_endian(27, 3) + 1);
}

void check_webp(const File& file) {
  constexpr std::uint64_t kBeforeChunk = 12;  // bytes that a length counts: "WEBP", a chunk's head
  const std::uint64_t length = file.little_endian(4, 4), chunk = file.little_endian(16, 4);
  file.need(8, length);
  if (length < kBeforeChunk || chunk > length - kBeforeChunk)
    throw file.damaged("is damaged: its parts are longer than itself");
  if (file.says(12, "VP8 ")) return check_webp_lossy(file, chunk);
  if (file.says(12, "VP8L")) return check_webp_lossless(file);
  if (file.says(12, "VP8X")) return check_webp_canvas(file, chunk);
  throw file.damaged("is damaged: it begins with an unknown part");
}

struct Bitmap {
  std::uint64_t width = 0, height = 0, bits = 0;  // bits: of a pixel
};

Bitmap bitmap_of(const File& file) {
  constexpr std::uint64_t kOldHead = 12, kLeastHead = 36, kPlain = 0, kMasks = 3;
  const std::uint64_t head = file.little_endian(14, 4);
  if (head == kOldHead)
    return {file.little_endian(18, 2), file.little_endian(20, 2), file.little_endian(24, 2)};
  const auto signed_at = [&](std::size_t at) {
    return std::int64_t{static_cast<std::int32_t>(file.little_endian(at, 4))};
  };
  if (head < kLeastHead || signed_at(18) < 0)
    throw file.damaged("is damaged: there are no headers like its own");
  const std::uint64_t compression = file.little_endian(30, 4);
  if (compression != kPlain && compression != kMasks)
    throw file.damaged("is compressed; save it without, or as PNG");
  const auto height = static_cast<std::uint64_t>(std::abs(signed_at(22)));  // below 0: top first
  return {file.little_endian(18, 4), height, file.little_endian(28, 2)};
}

void check_bmp(const File& file) {
  const Bitmap bitmap = bitmap_of(file);
  file.check_size(bitmap.width, bitmap.height);
  const std::uint64_t row = (bitmap.width * bitmap.bits + 31) / 32 * 4;
  file.need(file.little_endian(10, 4), row * bitmap.height);
}

bool is_space(std::uint8_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// A number of a PNM header, after white space and comments, with the one white space behind it.
std::uint64_t pnm_number(const File& file, std::size_t& at) {
  for (;; ++at) {
    if (file.byte(at) == '#')
      while (file.byte(at) != '\n' && file.byte(at) != '\r') ++at;
    if (!is_space(file.byte(at))) break;
  }
  constexpr std::size_t kMostDigits = 9;
  const std::size_t first = at;
  std::uint64_t value = 0;
  for (; file.byte(at) >= '0' && file.byte(at) <= '9' && at - first < kMostDigits; ++at)
    value = 10 * value + (file.byte(at) - '0');
  if (at == first || !is_space(file.byte(at)))
    throw file.damaged("is damaged: there is no number where its size should be");
  ++at;
  return value;
}

void check_pnm(const File& file) {
  const std::uint8_t kind = file.byte(1);
  std::size_t at = 2;
  const std::uint64_t width = pnm_number(file, at), height = pnm_number(file, at);
  file.check_size(width, height);
  const bool bits = kind == '1' || kind == '4', text = kind < '4';
  const std::uint64_t values = width * (kind == '3' || kind == '6' ? 3 : 1);
  const std::uint64_t most = bits ? 1 : pnm_number(file, at);
  if (text) {
    file.need(at, values * height);  // at the least
  } else {
    file.need(at, (bits ? (width + 7) / 8 : values * (most > 255 ? 2 : 1)) * height);
  }
}

// ---------------------------------------------------------------------------------------- choice

bool starts_with(const std::string& text, const std::string& begin) {
  return text.compare(0, begin.size(), begin) == 0;
}

struct Format {
  const char* name;
  bool (*begins)(const std::string& first);
  void (*check)(const File& file);
};

constexpr Format kFormats[] = {
    {"JPEG", [](const std::string& first) { return starts_with(first, "\xFF\xD8\xFF"); },
     check_jpeg},
    {"PNG", [](const std::string& first) { return starts_with(first, "\x89PNG\r\n\x1A\n"); },
     check_png},
    {"WebP",
     [](const std::string& first) {
       return starts_with(first, "RIFF") && first.compare(8, 4, "WEBP") == 0;
     },
     check_webp},
    {"BMP", [](const std::string& first) { return starts_with(first, "BM"); }, check_bmp},
    {"PNM",
     [](const std::string& first) {
       return first[0] == 'P' && first[1] >= '1' && first[1] <= '6' &&
              is_space(static_cast<std::uint8_t>(first[2]));
     },
     check_pnm}};

constexpr const char* kAdvice = "; send a picture's file: JPEG, PNG, WebP, BMP or PNM";

std::string hexadecimal(skerry::Span<const std::uint8_t> bytes, std::size_t most) {
  std::string text;
  char digits[4];
  for (std::size_t i = 0; i < std::min(bytes.size(), most); ++i) {
    std::snprintf(digits, sizeof(digits), " %02x", static_cast<unsigned>(bytes[i]));
    text += digits;
  }
  return text;
}

// Null: none of them.
const Format* format_of(skerry::Span<const std::uint8_t> bytes) {
  std::string first(bytes.begin(), bytes.begin() + std::min(bytes.size(), kSignature));
  first.resize(kSignature);
  for (const Format& format : kFormats)
    if (format.begins(first)) return &format;
  return nullptr;
}

const char* checked_format(skerry::Span<const std::uint8_t> bytes) {
  if (bytes.empty()) throw skerry::invalid("", std::string("found no bytes") + kAdvice);
  if (const Format* format = format_of(bytes)) {
    format->check(File(format->name, bytes));
    return format->name;
  }
  throw skerry::invalid("", "found " + std::to_string(bytes.size()) + " bytes that begin with" +
                                hexadecimal(bytes, 4) + ", which is no picture" + kAdvice);
}

}  // namespace

bool begins_as_picture(skerry::Span<const std::uint8_t> bytes) {
  return format_of(bytes) != nullptr;
}

cv::Mat decoded(skerry::Span<const std::uint8_t> bytes, int channels) {
  const std::string format = checked_format(bytes);
  if (bytes.size() > INT_MAX)
    throw skerry::invalid("", "this picture's file has " + std::to_string(bytes.size()) +
                                  " bytes; at most " + std::to_string(INT_MAX) + " are taken");
  const cv::Mat view(1, static_cast<int>(bytes.size()), CV_8UC1,
                     const_cast<std::uint8_t*>(bytes.data()));  // read only
  cv::Mat picture = cv::imdecode(view, channels == 1 ? cv::IMREAD_GRAYSCALE : cv::IMREAD_COLOR);
  if (picture.empty())
    throw skerry::invalid("", "this " + format +
                                  " picture can't be decoded: it is damaged or cut off, or of a "
                                  "variant that OpenCV does not know");
  return picture;
}

}  // namespace encoded
