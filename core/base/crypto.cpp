#include "core/base/crypto.hpp"

#include <sodium.h>

namespace skerry {

Status init_sodium() {
  // 1 means that it was done before; libsodium locks for itself.
  if (sodium_init() < 0) {
    return fail(Code::internal, "libsodium cannot start: is /dev/urandom readable?");
  }
  return {};
}

}  // namespace skerry
