#include "core/tensor/distance.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/base/try.hpp"
#include "core/tensor/tile_codec.hpp"

namespace skerry::tensor {
namespace {

constexpr std::uint64_t kBlock = 8192;  // elements

bool is_floating(const TensorSpec& tensor) {
  const Element element = element_of(tensor.dtype);
  return element == Element::f32 || element == Element::f64 || element == Element::f16 ||
         element == Element::bf16;
}

// A range of a tensor's elements as doubles.
class Reader {
 public:
  void read(const Tensors& from, const TensorSpec& tensor, std::uint64_t begin, std::uint64_t count,
            double* to) {
    const Element element = element_of(tensor.dtype);
    const std::byte* stored =
        from.file.data() + from.layout.data_offset + tensor.offset + begin * stored_size(element);
    if (tile_size(element) == sizeof(double)) return decode_tile(element, stored, count, to);
    decode_tile(element, stored, count, floats_.data());
    std::copy_n(floats_.begin(), count, to);
  }

 private:
  std::array<float, kBlock> floats_;
};

void encode(Element element, const double* values, std::uint64_t count, std::byte* stored) {
  if (tile_size(element) == sizeof(double)) {
    encode_tile(element, values, count, stored);
    return;
  }
  std::array<float, kBlock> floats;
  std::transform(values, values + count, floats.begin(),
                 [](double value) { return static_cast<float>(value); });
  encode_tile(element, floats.data(), count, stored);
}

template <class Work>
Status for_each_block(const TensorSpec& tensor, Work work) {
  const std::uint64_t elements = tensor.size / stored_size(element_of(tensor.dtype));
  for (std::uint64_t begin = 0; begin < elements; begin += kBlock)
    SKERRY_TRY(work(begin, std::min(kBlock, elements - begin)));
  return {};
}

}  // namespace

double distance(const Tensors& update, const Tensors& base) {
  Reader reader;
  std::vector<double> a(kBlock), b(kBlock);
  double sum = 0;
  for (const TensorSpec& tensor : base.layout.tensors) {
    const TensorSpec* same = update.layout.find(tensor.name);
    if (same == nullptr || !is_floating(tensor)) continue;
    static_cast<void>(for_each_block(tensor, [&](auto begin, auto count) -> Status {
      reader.read(update, *same, begin, count, a.data());
      reader.read(base, tensor, begin, count, b.data());
      for (std::uint64_t i = 0; i < count; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
      return {};
    }));
  }
  return std::sqrt(sum);
}

Status move_towards_base(const Tensors& update, const Tensors& base, double factor,
                         const std::function<Status(Bytes)>& write) {
  SKERRY_TRY(write(update.file.first(update.layout.data_offset)));
  Reader reader;
  std::vector<double> a(kBlock), b(kBlock);
  std::vector<std::byte> stored(kBlock * sizeof(double));
  for (const TensorSpec& tensor : update.layout.tensors) {
    const TensorSpec* same = base.layout.find(tensor.name);
    if (same == nullptr || !is_floating(tensor)) {
      SKERRY_TRY(
          write(update.file.subspan(update.layout.data_offset + tensor.offset, tensor.size)));
      continue;
    }
    const Element element = element_of(tensor.dtype);
    SKERRY_TRY(for_each_block(tensor, [&](auto begin, auto count) {
      reader.read(update, tensor, begin, count, a.data());
      reader.read(base, *same, begin, count, b.data());
      for (std::uint64_t i = 0; i < count; ++i) a[i] = b[i] + factor * (a[i] - b[i]);
      encode(element, a.data(), count, stored.data());
      return write(Bytes(stored.data(), count * stored_size(element)));
    }));
  }
  return {};
}

}  // namespace skerry::tensor
