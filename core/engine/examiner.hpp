// Checks what a task made before anybody counts it, cheapest first: well formed, the structure that
// the workflow expects, every value finite. Large files are read aside.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/engine/loop.hpp"

namespace skerry::engine {

// Bytes in memory or in a file.
struct Content {
  std::string data;
  std::filesystem::path path;  // when not empty, data is unused
};

struct Verdict {
  bool ok = true;
  std::string
      code;  // rejected.missing, rejected.malformed, rejected.shape, rejected.nan, data_loss
  std::string message;
};

struct Exhibit {
  std::string name;  // of the output
  Content found;
  Content expected;  // the artifact whose structure it must have
};

class Examiner {
 public:
  explicit Examiner(Loop& loop) : loop_(loop) {}

  // `prepare` runs after the checks, aside, for slow work on files such as fsync. Without it, and
  // when every exhibit is in memory, `done` is called before this returns; else later, on the event
  // loop.
  void examine(std::vector<Exhibit> exhibits, std::function<Status()> prepare,
               std::function<void(Verdict)> done);

 private:
  Loop& loop_;
};

}  // namespace skerry::engine
