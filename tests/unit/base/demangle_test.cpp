#include "core/base/demangle.hpp"

#include <gtest/gtest.h>

namespace skerry {
namespace {

TEST(Frame, HasTheNameThatItsFunctionHasInTheSource) {
  EXPECT_EQ(demangled_frame("/x.so(_ZN1A1bEi+0x4)[0x7f00]"), "/x.so(A::b(int)+0x4)[0x7f00]");
}

TEST(Frame, StaysAsItIsWhereItHasNoName) {
  for (const char* frame : {"", "/x.so(+0x4)[0x7f00]", "/x.so(main+0x4)[0x7f00]", "a + b", ")+(",
                            "/x.so(f+0x4)[0x7f00]"})
    EXPECT_EQ(demangled_frame(frame), frame);
}

TEST(Frame, HasALongNameCutOff) {
  const std::string name = "_ZN150" + std::string(150, 'x') + "1bEv";
  EXPECT_EQ(demangled_frame("y(" + name + "+0x1)"), "y(" + std::string(120, 'x') + "...+0x1)");
}

// Each level doubles the text: 30 of them would be gigabytes.
TEST(Frame, StaysAsItIsWhereItsNameStandsForMoreThanFitsIntoMemory) {
  std::string name = "_Z1f1AIiiE";
  for (int level = 0; level < 30; ++level)
    name += "S" +
            (level == 0 ? std::string() : std::string(1, static_cast<char>('0' + level % 10))) +
            "_";
  for (const std::string& text : {name, "_Z1f" + std::string(400, 'x')}) {
    const std::string frame = "y(" + text + "+0x1)";
    EXPECT_EQ(demangled_frame(frame), frame);
  }
}

}  // namespace
}  // namespace skerry
