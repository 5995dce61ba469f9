// aggregation/1: how the updates of a round become one model. Runs where the aggregate task runs,
// over mapped files.
#pragma once

#include <skerry/plugin.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace skerry {

// Who sent an update.
struct Update {
  std::string node;
  std::uint64_t samples = 0;  // that the node trained on; >= 1 from a host that keeps to the ABI
  double loss = 0;            // its training loss; NaN when it told none
};

// The same `count` elements of one tensor in every update. T is float, or double for tensors of
// 64-bit floats and of integers (the host rounds the results of integers to nearest). All memory is
// borrowed for the call.
template <class T>
struct Tile {
  std::uint32_t tensor = 0;  // index into the schema given to begin()
  std::uint64_t offset = 0;  // first element of the range in the tensor
  std::size_t count = 0;
  Span<const T* const>
      inputs;  // one a client, in the order of begin()'s updates; each `count` elements
  const T* base = nullptr;  // the model that the clients started from; nullptr when there is none
  T* output = nullptr;      // `count` elements to write; nullptr in observe()
};

// A round is begin(), perhaps observe() for every tile, combine() for every tile, finish(). An
// instance sees many rounds.
class Aggregation {
 public:
  using KindBase = Aggregation;
  virtual ~Aggregation() = default;

  // A new round. schema: names, types and shapes, without data. [serial]
  virtual void begin(const std::vector<NamedTensor>& schema,
                     const std::vector<Update>& updates) = 0;

  // A first pass over all tiles, for rules that need distances first. The host makes it (a whole
  // reading of the updates) only for a class that overrides one of the two. The default for double
  // converts to float. [serial]
  virtual void observe(const Tile<float>&) {}
  virtual void observe(const Tile<double>& tile) {
    with_floats(tile, [this](const Tile<float>& converted) { observe(converted); });
  }

  // Writes tile.output from tile.inputs. The result must not depend on how the tensor is cut into
  // tiles, nor on their order. The default for double converts to float and back: override it to
  // keep full precision. [concurrent]
  virtual void combine(const Tile<float>& tile) const = 0;
  virtual void combine(const Tile<double>& tile) const {
    with_floats(tile, [this](const Tile<float>& converted) { combine(converted); });
  }

  // After the last tile. [serial]
  virtual void finish() {}

 private:
  template <class Use>
  static void with_floats(const Tile<double>& tile, const Use& use) {
    std::vector<std::vector<float>> rows;
    for (const double* input : tile.inputs) rows.emplace_back(input, input + tile.count);
    std::vector<const float*> inputs;
    for (const std::vector<float>& row : rows) inputs.push_back(row.data());
    std::vector<float> base;
    if (tile.base != nullptr) base.assign(tile.base, tile.base + tile.count);
    std::vector<float> output(tile.output == nullptr ? 0 : tile.count);
    use(Tile<float>{tile.tensor,
                    tile.offset,
                    tile.count,
                    {inputs.data(), inputs.size()},
                    tile.base == nullptr ? nullptr : base.data(),
                    tile.output == nullptr ? nullptr : output.data()});
    for (std::size_t i = 0; i < output.size(); ++i) tile.output[i] = output[i];
  }
};

template <>
struct InterfaceKind<skerry_aggregation_v1> {
  static constexpr const char* id = "aggregation/1";
};

template <>
struct Kind<Aggregation> {
  static constexpr const char* id = InterfaceKind<skerry_aggregation_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_aggregation_v1 functions = {
        sizeof(skerry_aggregation_v1),
        0,
        begin,
        overrides_observe<T>(nullptr) ? observe : nullptr,
        combine,
        finish};
    return &functions;
  }

 private:
  // Which class declares observe(): Aggregation unless the plugin's class, or one between,
  // overrides it.
  template <class Declaring>
  static constexpr bool is_overridden(void (Declaring::*)(const Tile<float>&)) {
    return !std::is_same_v<Declaring, Aggregation>;
  }
  template <class T>
  static constexpr bool overrides_observe(decltype(is_overridden(&T::observe))*) {
    return is_overridden(&T::observe);
  }
  // Only the double one is overridden, which hides the other.
  template <class T>
  static constexpr bool overrides_observe(...) {
    return true;
  }

  static skerry_status begin(skerry_instance* instance, const skerry_named_tensor* schema,
                             std::uint64_t tensors, const skerry_update* updates,
                             std::uint64_t clients, skerry_error* error) {
    return detail::guard(error, [&] {
      std::vector<Update> from;
      from.reserve(clients);
      for (std::uint64_t i = 0; i < clients; ++i)
        from.push_back({updates[i].node, updates[i].samples, updates[i].loss});
      object_of<Aggregation>(instance).begin(detail::named_tensors(schema, tensors), from);
    });
  }
  static skerry_status observe(skerry_instance* instance, const skerry_tile* tile,
                               skerry_error* error) {
    return detail::guard(error, [&] {
      typed(*tile, [&](const auto& view) { object_of<Aggregation>(instance).observe(view); });
    });
  }
  static skerry_status combine(skerry_instance* instance, const skerry_tile* tile,
                               skerry_error* error) {
    return detail::guard(error, [&] {
      const Aggregation& object = object_of<Aggregation>(instance);
      typed(*tile, [&](const auto& view) { object.combine(view); });
    });
  }
  static skerry_status finish(skerry_instance* instance, skerry_error* error) {
    return detail::guard(error, [&] { object_of<Aggregation>(instance).finish(); });
  }

  template <class Use>
  static void typed(const skerry_tile& tile, const Use& use) {
    if (tile.dtype_code != SKERRY_FLOAT || (tile.dtype_bits != 32 && tile.dtype_bits != 64)) {
      throw Error(SKERRY_UNSUPPORTED, "",
                  "tiles are of float32 or float64, found " +
                      DType{tile.dtype_code, tile.dtype_bits}.name());
    }
    if (tile.dtype_bits == 32)
      use(view_of<float>(tile));
    else
      use(view_of<double>(tile));
  }
  template <class T>
  static Tile<T> view_of(const skerry_tile& tile) {
    return {tile.tensor,
            tile.offset,
            tile.count,
            {reinterpret_cast<const T* const*>(tile.inputs), tile.clients},
            static_cast<const T*>(tile.base),
            static_cast<T*>(tile.output)};
  }
};

}  // namespace skerry
