#pragma once

#include <sodium.h>

#include <cstdint>

namespace skerry::serving {

// Nobody can guess it. init_sodium() was called.
inline std::uint64_t new_ticket() {
  std::uint64_t ticket = 0;
  while (ticket == 0) randombytes_buf(&ticket, sizeof ticket);
  return ticket;
}

}  // namespace skerry::serving
