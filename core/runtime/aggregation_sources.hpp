#pragma once

#include <skerry/abi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "core/tensor/layout.hpp"
#include "core/tensor/tile_codec.hpp"

namespace skerry::runtime {

using tensor::decode_tile;
using tensor::Element;
using tensor::element_of;
using tensor::encode_tile;
using tensor::stored_as_tile;
using tensor::stored_size;
using tensor::tile_size;

// A safetensors file in memory.
struct AggregationSource {
  std::string name;  // for messages
  Bytes bytes;       // borrowed
  bool mapped =
      false;  // a mapping of a file, read-only: pages may be given back once they were read
};

struct Tile {
  std::uint32_t tensor;
  std::uint64_t offset;  // first element
  std::uint64_t count;   // elements
};

// The inputs of an aggregation, found to be of one structure, cut into tiles.
class AggregationSources {
 public:
  static Result<AggregationSources> open(std::vector<AggregationSource> inputs,
                                         std::optional<AggregationSource> base);

  std::size_t clients() const { return inputs_.size(); }
  bool has_base() const { return base_.has_value(); }
  // Of the base, or of the first input where there is none: also the output's.
  const tensor::Layout& layout() const { return layout_; }
  std::vector<Tile> tiles(std::uint64_t elements) const;
  Element element(const Tile& tile) const { return elements_[tile.tensor]; }

  // Where the tile's elements are in an input or the base, in the file's own type.
  const std::byte* input(std::size_t client, const Tile& tile) const {
    return at(inputs_[client], tile);
  }
  const std::byte* base(const Tile& tile) const { return at(*base_, tile); }

  // The tile was read: its pages of mapped files need not stay in memory.
  void release(const Tile& tile) const;

 private:
  struct File {
    AggregationSource source;
    std::vector<const std::byte*> tensors;  // start of each tensor's data, in the order of layout_
  };

  Result<File> arrange(AggregationSource source, const tensor::Layout& found) const;
  const std::byte* at(const File& file, const Tile& tile) const {
    return file.tensors[tile.tensor] + tile.offset * stored_size(element(tile));
  }
  void release(const File& file, const Tile& tile) const;

  tensor::Layout layout_;
  std::vector<Element> elements_;  // of each tensor
  std::vector<File> inputs_;
  std::optional<File> base_;
};

}  // namespace skerry::runtime
