#pragma once

#include "core/base/result.hpp"

namespace skerry {

// Call before any other use of libsodium. Any thread, any number of times.
Status init_sodium();

}  // namespace skerry
