// What an encoded picture says of itself, read before anything is decoded: a hundred bytes can say
// that they are gigabytes of pixels, and OpenCV would believe them.
#pragma once

#include <skerry/tensor.hpp>

#include <cstdint>

namespace encoded {

// Of a JPEG, PNG, WebP, BMP or PNM picture, its name as people call it. What else OpenCV reads is
// refused: the size of a TIFF, a DICOM or an OpenEXR picture can't be told this easily, and some of
// them pass through a file. Throws Error SKERRY_INVALID_ARGUMENT where the bytes are no such
// picture, are cut off so that it shows, or have more pixels than `most_pixels`, which is below
// 2^32.
const char* checked_format(skerry::Span<const std::uint8_t> bytes, std::uint64_t most_pixels);

}  // namespace encoded
