// Every candidate takes part.
#include <skerry/selection.hpp>

#include <numeric>

namespace {

class All : public skerry::Selection {
 public:
  std::vector<std::uint32_t> select(const std::vector<skerry::Candidate>& candidates, std::uint32_t,
                                    std::uint64_t) override {
    std::vector<std::uint32_t> everyone(candidates.size());
    std::iota(everyone.begin(), everyone.end(), 0U);
    return everyone;
  }
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<All>("all"));
