#pragma once

#include <string>

namespace skerry {

// A frame of a backtrace with the name that its function has in the source: "x.so(_ZN1A1bEi+0x4)"
// to "x.so(A::b(int)+0x4)"; anything else as it is.
std::string demangled_frame(const std::string& frame);

}  // namespace skerry
