// How far an update is from the model that it started from, and the same update brought nearer.
#pragma once

#include <functional>

#include "core/tensor/layout.hpp"

namespace skerry::tensor {

// A file in memory and its layout.
struct Tensors {
  const Layout& layout;
  Bytes file;
};

// The Euclidean norm of update - base over all floating-point tensors, summed in double in the
// order of the base's tensors: the same files always give the same bits. Infinite when it is too
// large for a double. The structures must be the same.
double distance(const Tensors& update, const Tensors& base);

// Writes base + factor * (update - base), piece by piece, as a file with the update's header.
// Integers and booleans stay as they are in the update. factor: 0 to 1.
Status move_towards_base(const Tensors& update, const Tensors& base, double factor,
                         const std::function<Status(Bytes)>& write);

}  // namespace skerry::tensor
