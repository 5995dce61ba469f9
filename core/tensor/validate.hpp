// Is an update fit to be averaged with others?
#pragma once

#include "core/tensor/layout.hpp"

namespace skerry::tensor {

// The same names with the same dtypes and shapes, in any order. The problem names the first tensor
// that differs.
Status same_structure(const Layout& expected, const Layout& found);

// Every floating-point value is finite. `file` is the whole file that `layout` was parsed from. The
// problem names the tensor and the index of its first NaN or infinity.
Status check_finite(const Layout& layout, Bytes file);

}  // namespace skerry::tensor
