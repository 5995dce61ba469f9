#include "core/runtime/confine.hpp"

#include <gmock/gmock.h>

namespace skerry::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(MissingProtections, NameWhatAKernelLacksAltogether) {
  EXPECT_THAT(missing_protections(0, false),
              ElementsAre(HasSubstr("without Landlock"), HasSubstr("lacks seccomp")));
}

TEST(MissingProtections, NameWhatAnOldLandlockDoesNotRuleOver) {
  EXPECT_THAT(missing_protections(2, true),
              ElementsAre(HasSubstr("version 2 of Landlock, the newest that this kernel has, so "
                                    "plugins can empty files"),
                          HasSubstr("can send signals")));
  EXPECT_THAT(missing_protections(kLandlockSignals - 1, true),
              ElementsAre(HasSubstr("can send signals")));
}

TEST(MissingProtections, AreNoneOnANewKernel) {
  EXPECT_THAT(missing_protections(kLandlockSignals, true), IsEmpty());
}

}  // namespace
}  // namespace skerry::runtime
