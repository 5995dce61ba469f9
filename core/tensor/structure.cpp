#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/base/try.hpp"
#include "core/tensor/validate.hpp"

namespace skerry::tensor {
namespace {

using Sorted = std::vector<const TensorSpec*>;

Sorted by_name(const Layout& layout) {
  Sorted tensors;
  tensors.reserve(layout.tensors.size());
  for (const TensorSpec& tensor : layout.tensors) tensors.push_back(&tensor);
  std::ranges::sort(tensors, {}, &TensorSpec::name);
  return tensors;
}

tl::unexpected<Problem> missing(const TensorSpec& tensor) {
  return fail(Code::invalid_argument,
              fmt::format("the tensor \"{}\" ({} {}) is missing", tensor.name, tensor.dtype,
                          shape_text(tensor.shape)));
}

tl::unexpected<Problem> surplus(const TensorSpec& tensor) {
  return fail(Code::invalid_argument,
              fmt::format("the tensor \"{}\" ({} {}) is not part of the model", tensor.name,
                          tensor.dtype, shape_text(tensor.shape)));
}

Status same_tensor(const TensorSpec& expected, const TensorSpec& found) {
  if (found.name > expected.name) return missing(expected);
  if (found.name < expected.name) return surplus(found);
  if (found.dtype != expected.dtype || found.shape != expected.shape) {
    return fail(
        Code::invalid_argument,
        fmt::format("the tensor \"{}\" is {} {}, the model has {} {}", found.name, found.dtype,
                    shape_text(found.shape), expected.dtype, shape_text(expected.shape)));
  }
  return {};
}

}  // namespace

Status same_structure(const Layout& expected, const Layout& found) {
  const Sorted wanted = by_name(expected);
  const Sorted given = by_name(found);
  const std::size_t common = std::min(wanted.size(), given.size());
  for (std::size_t i = 0; i < common; ++i) SKERRY_TRY(same_tensor(*wanted[i], *given[i]));
  if (wanted.size() > common) return missing(*wanted[common]);
  if (given.size() > common) return surplus(*given[common]);
  return {};
}

}  // namespace skerry::tensor
