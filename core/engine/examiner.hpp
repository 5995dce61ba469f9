// Checks what a task made before anybody counts it, cheapest first: its size, well formed, the
// structure that the workflow expects, every value finite, from a number of samples that is
// allowed, not too far from where it started. Large files are read aside.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/engine/loop.hpp"

namespace skerry::engine {

// Bytes in memory or in a file.
struct Content {
  std::string data;
  std::filesystem::path path;  // when not empty, data is unused
};

// An output that was brought nearer to its base, in place of what the task made.
struct Clipped {
  double norm = 0;  // of what the task made
  Digest digest;    // of what takes its place
  std::uint64_t size = 0;
  std::string data;  // its bytes, when the original came without a file; else it is in the store
};

// Names, their order and metadata may take a little more room in the header than those of the
// artifact that an output is compared with.
inline constexpr std::uint64_t kHeaderRoom = 1u << 20;

struct Verdict {
  bool ok = true;
  // rejected.missing, .size, .malformed, .shape, .nan, .samples, .norm, .base, .plan; data_loss
  std::string code;
  std::string message;
  std::map<std::string, Clipped> clipped;  // by output
};

// How far an output may be from the artifact that it started from.
struct NormLimit {
  double max = 0;
  bool clip = false;  // bring it nearer instead of refusing it
  Content base;
  // Aside: where a clipped file is written first, and what then puts it into the store.
  std::filesystem::path scratch;
  std::function<Status(const std::filesystem::path&, const Digest&, std::uint64_t)> store;
};

// How many samples an answer may say that it was made from.
struct SampleLimit {
  std::uint64_t min = 0;
  std::uint64_t max = 0;
  std::uint64_t told = 0;  // 0 also when it told nothing that makes sense
};

struct Exhibit {
  std::string name;  // of the output
  Content found;
  Content expected;             // the artifact whose structure it must have
  std::uint64_t max_bytes = 0;  // 0: no limit but that of its structure
  std::optional<NormLimit> norm;
  std::optional<SampleLimit> samples = {};
  bool encoded = false;  // other tensors than expected, in no more bytes
};

// The first of the checks, for those who would do costly work before the others.
Verdict check_sizes(const std::vector<Exhibit>& exhibits);

class Examiner {
 public:
  explicit Examiner(Loop& loop) : loop_(loop) {}

  // `prepare` runs after the checks, aside, for slow work on files such as fsync. Without it, and
  // when every exhibit is in memory, `done` is called before this returns; else later, on the event
  // loop.
  void examine(std::vector<Exhibit> exhibits, std::function<Status()> prepare,
               std::function<void(Verdict)> done);

  // Is each a tensor file whose values are all finite? `done` as above.
  void examine_models(std::vector<Content> models, std::function<void(Verdict)> done);

 private:
  void judge(bool here, std::function<Verdict()> check, std::function<void(Verdict)> done);

  Loop& loop_;
};

}  // namespace skerry::engine
