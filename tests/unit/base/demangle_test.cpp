#include "core/base/demangle.hpp"

#include <gtest/gtest.h>

namespace skerry {
namespace {

TEST(Frame, HasTheNameThatItsFunctionHasInTheSource) {
  EXPECT_EQ(demangled_frame("/x.so(_ZN1A1bEi+0x4)[0x7f00]"), "/x.so(A::b(int)+0x4)[0x7f00]");
}

TEST(Frame, StaysAsItIsWhereItHasNoName) {
  for (const char* frame : {"", "/x.so(+0x4)[0x7f00]", "/x.so(main+0x4)[0x7f00]", "a + b", ")+("})
    EXPECT_EQ(demangled_frame(frame), frame);
}

TEST(Frame, HasALongNameCutOff) {
  std::string name = "_ZN200";
  name += std::string(200, 'x') + "1bEv";
  const std::string text = demangled_frame("y(" + name + "+0x1)");
  EXPECT_EQ(text, "y(" + std::string(120, 'x') + "...+0x1)");
}

}  // namespace
}  // namespace skerry
