#pragma once

#include <skerry/abi.h>

#include "core/base/result.hpp"
#include "core/plugin/manifest.hpp"

namespace skerry::plugin {

// Brings a plugin's code into this process: for workers only. A library that was loaded stays until
// the process ends, since its threads and static objects may live that long; new code needs a new
// worker. Thread-safe.
class Loader {
 public:
  // The entry is valid until the process ends. The problem of a failure names the file, both
  // versions and the cure; for a library that cannot be opened it shows the dynamic linker's own
  // words.
  Result<const skerry_entry*> load(const Feature& feature);
};

}  // namespace skerry::plugin
