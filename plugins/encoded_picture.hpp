// What plugins that read encoded pictures share. What a picture says of itself is read before
// anything is decoded: a hundred bytes can say that they are gigabytes of pixels, and OpenCV would
// believe them.
#pragma once

#include <skerry/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <opencv2/core.hpp>

namespace encoded {

// 192 MB while a picture in colours is decoded, and up to twice as much beside it for a progressive
// JPEG. Cameras that take more are rare.
constexpr std::uint64_t kMostPixels = 64'000'000;

// How many bytes of a file's beginning tell its format.
constexpr std::size_t kSignature = 12;

// Do the bytes begin as a JPEG, PNG, WebP, BMP or PNM picture does?
bool begins_as_picture(skerry::Span<const std::uint8_t> bytes);

// A JPEG, PNG, WebP, BMP or PNM picture: 8-bit, grey for 1 channel, else blue, green, red; turned
// by its orientation in EXIF. What else OpenCV reads is refused: the size of a TIFF, a DICOM or an
// OpenEXR picture can't be told this easily, and some of them pass through a file. Throws Error
// SKERRY_INVALID_ARGUMENT where the bytes are no such picture, are damaged or cut off so that it
// shows, or have more than kMostPixels; and cv::Exception where OpenCV refuses them.
cv::Mat decoded(skerry::Span<const std::uint8_t> bytes, int channels);

}  // namespace encoded
