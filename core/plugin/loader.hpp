#pragma once

#include <skerry/abi.h>

#include <functional>
#include <string>

#include "core/base/result.hpp"
#include "core/plugin/manifest.hpp"

namespace skerry::plugin {

struct Loaded {
  const skerry_entry* entry = nullptr;  // valid until the process ends
  std::string digest;                   // of the code that runs, in hex
};

// Brings a plugin's code into this process: for workers only. What is loaded is a sealed copy of
// the file, so that nobody can change it between the checks and the loading, or while it runs. The
// same is done with libraries that lie beside it (neighbours.hpp), but no host has noted their
// digests when the job began. A library that was loaded stays until the process ends, since its
// threads and static objects may live that long; new code needs a new worker. Thread-safe.
class Loader {
 public:
  // `mapped`: what the linker will know the code as; empty where it does already.
  using BeforeCode = std::function<void(const std::string& digest, const std::string& mapped)>;

  // `expected`: the digest that the host found for this job; empty: any. `before_code` is called
  // when all checks of the file are done and none of its code has run. The problem of a failure
  // names the file, both versions and the cure; for a library that cannot be opened it shows the
  // dynamic linker's own words.
  Result<Loaded> load(const Feature& feature, const std::string& expected = {},
                      const BeforeCode& before_code = {});
};

}  // namespace skerry::plugin
