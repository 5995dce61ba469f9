#include "core/runtime/aggregation_sources.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/base/try.hpp"
#include "core/tensor/safetensors.hpp"
#include "core/tensor/validate.hpp"

namespace skerry::runtime {
namespace {

Result<tensor::Layout> layout_of(const AggregationSource& source) {
  auto layout = tensor::parse_layout(source.bytes, source.bytes.size());
  if (!layout) layout.error().where = source.name;
  return layout;
}

// The largest piece of a file that the kernel maps at once.
constexpr std::size_t kFolioBytes = 2 << 20;

// Advice only: failure changes speed or memory, not results.
void advise(const std::byte* begin, std::size_t size, int advice) {
  static const std::uintptr_t page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(begin) & ~(page - 1);
  const auto end = reinterpret_cast<std::uintptr_t>(begin) + size;
  madvise(reinterpret_cast<void*>(start), end - start, advice);
}

}  // namespace

Result<AggregationSources> AggregationSources::open(std::vector<AggregationSource> inputs,
                                                    std::optional<AggregationSource> base) {
  if (inputs.empty())
    return fail(Code::invalid_argument, "there is nothing to aggregate: no inputs");
  AggregationSources sources;
  SKERRY_ASSIGN(sources.layout_, layout_of(base ? *base : inputs.front()));
  for (const auto& spec : sources.layout_.tensors)
    sources.elements_.push_back(element_of(spec.dtype));
  for (auto& input : inputs) {
    SKERRY_ASSIGN(const auto layout, layout_of(input));
    SKERRY_ASSIGN(auto file, sources.arrange(std::move(input), layout));
    sources.inputs_.push_back(std::move(file));
  }
  if (base) {
    const auto layout = sources.layout_;
    SKERRY_ASSIGN(auto file, sources.arrange(std::move(*base), layout));
    sources.base_ = std::move(file);
  }
  return sources;
}

Result<AggregationSources::File> AggregationSources::arrange(AggregationSource source,
                                                             const tensor::Layout& found) const {
  if (auto same = tensor::same_structure(layout_, found); !same) {
    auto problem = same.error();
    problem.where = source.name;
    return fail(std::move(problem));
  }
  File file{std::move(source), {}};
  for (const auto& spec : layout_.tensors)
    file.tensors.push_back(file.source.bytes.data() + found.data_offset +
                           found.find(spec.name)->offset);
  if (file.source.mapped)
    advise(file.source.bytes.data(), file.source.bytes.size(), MADV_SEQUENTIAL);
  return file;
}

std::vector<Tile> AggregationSources::tiles(std::uint64_t elements) const {
  std::vector<Tile> result;
  for (std::uint32_t i = 0; i < layout_.tensors.size(); ++i) {
    const std::uint64_t all = layout_.tensors[i].size / stored_size(elements_[i]);
    for (std::uint64_t at = 0; at < all; at += elements)
      result.push_back({i, at, std::min(elements, all - at)});
  }
  return result;
}

void AggregationSources::release(const Tile& tile) const {
  for (const auto& file : inputs_) release(file, tile);
  if (base_) release(*base_, tile);
}

void AggregationSources::release(const File& file, const Tile& tile) const {
  // Whole blocks, neighbours included: touching one page can map the whole large folio that it lies
  // in, tiles that were released before among them. What a neighbour still reads is mapped again
  // from the page cache.
  if (!file.source.mapped) return;
  const std::byte* start = file.source.bytes.data();
  const auto first = static_cast<std::size_t>(at(file, tile) - start) / kFolioBytes * kFolioBytes;
  const auto last =
      static_cast<std::size_t>(at(file, tile) - start) + tile.count * stored_size(element(tile));
  const auto end =
      std::min(file.source.bytes.size(), (last + kFolioBytes - 1) / kFolioBytes * kFolioBytes);
  advise(start + first, end - first, MADV_DONTNEED);
}

}  // namespace skerry::runtime
