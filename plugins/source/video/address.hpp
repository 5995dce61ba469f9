#pragma once

#include <string>

namespace video {

enum class Place { file, camera, stream };

// Where frames come from.
struct Address {
  Place place = Place::file;
  std::string text;  // a path, of a camera its device's, or a URL
  std::string
      shown;  // the same for people: without a URL's user, password and query, which may hold them
};

// Throws Error SKERRY_INVALID_ARGUMENT, of the field `uri`, where it is none. Touches nothing.
Address address_of(const std::string& uri);

// Throws Error SKERRY_INVALID_ARGUMENT, of the field `uri`, where there is no such file or camera,
// or it may not be used. Whether a stream is there is not looked at: it may come.
void check_place(const Address& address);

}  // namespace video
