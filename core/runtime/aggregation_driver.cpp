#include "core/runtime/aggregation_driver.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/instance.hpp"
#include "core/runtime/tensor_types.hpp"
#include "core/tensor/safetensors.hpp"

namespace skerry::runtime {
namespace {

Status write_at(int fd, const std::byte* data, std::size_t size, std::uint64_t offset,
                const std::filesystem::path& path) {
  while (size > 0) {
    const ssize_t written = pwrite(fd, data, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(errno_problem(errno, "write the new model", path));
    data += written;
    size -= static_cast<std::size_t>(written);
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

// Records which of the rule's functions runs.
struct Calling {
  Calling(const AggregationTask& task, const char* entry) {
    if (task.feature != nullptr)
      scope.emplace(task.feature->id(), task.feature->digest(), task.feature->kind(), entry);
  }
  std::optional<CallScope> scope;
};

// The file that the new model is written to.
struct Output {
  std::filesystem::path path;
  UniqueFd fd;
  std::vector<tensor::TensorSpec> tensors;
  std::uint64_t data_offset = 0;
  std::uint64_t size = 0;

  static Result<Output> create(const std::filesystem::path& path, const tensor::Layout& like) {
    Output output{.path = path, .tensors = like.tensors};
    const std::string header = tensor::encode_header(output.tensors);
    output.data_offset = output.size = header.size();
    for (const auto& spec : output.tensors) output.size += spec.size;
    SKERRY_ASSIGN(output.fd, open_file(path, O_WRONLY | O_CREAT | O_TRUNC));
    SKERRY_TRY(write_all(output.fd.get(), as_bytes(header), path));
    return output;
  }
};

// One thread's view of the tiles, with the buffers that conversions need.
class TileRunner {
 public:
  TileRunner(const AggregationTask& task, const AggregationSources& sources)
      : task_(task),
        sources_(sources),
        pointers_(sources.clients()),
        buffers_(sources.clients() + 2) {}

  Status observe(const Tile& tile) {
    const auto view = prepare(tile);
    return call(task_.who, [&](skerry_error* error) {
      return task_.rule->observe(task_.instance, &view, error);
    });
  }

  Status combine(const Tile& tile, const Output& output) {
    auto view = prepare(tile);
    const Element element = sources_.element(tile);
    const std::size_t stored = tile.count * stored_size(element);
    auto* combined = buffer(sources_.clients() + 1, tile.count * tile_size(element));
    view.output = combined;
    SKERRY_TRY(call(task_.who, [&](skerry_error* error) {
      return task_.rule->combine(task_.instance, &view, error);
    }));
    const auto& spec = output.tensors[tile.tensor];
    if (!stored_as_tile(element)) {
      encoded_.resize(stored);
      if (!encode_tile(element, combined, tile.count, encoded_.data()))
        return fail(Code::data_loss,
                    fmt::format("{} gave NaN for an element of \"{}\", which holds integers ({})",
                                task_.who, spec.name, spec.dtype));
      combined = encoded_.data();
    }
    const std::uint64_t at = output.data_offset + spec.offset + tile.offset * stored_size(element);
    return write_at(output.fd.get(), combined, stored, at, output.path);
  }

 private:
  skerry_tile prepare(const Tile& tile) {
    const Element element = sources_.element(tile);
    for (std::size_t i = 0; i < sources_.clients(); ++i)
      pointers_[i] = elements(i, element, sources_.input(i, tile), tile.count);
    skerry_tile view{};
    view.struct_size = sizeof view;
    view.tensor = tile.tensor;
    view.dtype_code = SKERRY_FLOAT;
    view.dtype_bits = static_cast<std::uint8_t>(8 * tile_size(element));
    view.clients = static_cast<std::uint32_t>(sources_.clients());
    view.offset = tile.offset;
    view.count = tile.count;
    view.inputs = pointers_.data();
    if (sources_.has_base())
      view.base = elements(sources_.clients(), element, sources_.base(tile), tile.count);
    return view;
  }

  // The elements as a tile has them: in place where the file's own bytes serve, else converted.
  const void* elements(std::size_t slot, Element element, const std::byte* stored,
                       std::uint64_t count) {
    const bool aligned = reinterpret_cast<std::uintptr_t>(stored) % tile_size(element) == 0;
    if (stored_as_tile(element) && aligned) return stored;
    auto* converted = buffer(slot, count * tile_size(element));
    decode_tile(element, stored, count, converted);
    return converted;
  }

  std::byte* buffer(std::size_t slot, std::size_t bytes) {
    auto& buffer = buffers_[slot];
    if (buffer.size() * sizeof(double) < bytes)
      buffer.resize((bytes + sizeof(double) - 1) / sizeof(double));
    return reinterpret_cast<std::byte*>(buffer.data());
  }

  const AggregationTask& task_;
  const AggregationSources& sources_;
  std::vector<const void*> pointers_;
  std::vector<std::vector<double>>
      buffers_;  // of each input, the base, the output; doubles for their alignment
  std::vector<std::byte> encoded_;
};

Status cancelled_status() {
  return fail(Code::cancelled, "stopped by the host");
}

// Deals tiles to threads, in order, and keeps the problem of the earliest tile that failed.
class TileQueue {
 public:
  explicit TileQueue(std::size_t tiles) : tiles_(tiles) {}

  template <class Work>
  void drain(Work work) {
    for (std::size_t i; !stopped_ && (i = next_++) < tiles_;)
      if (auto status = work(i); !status) stop(i, status.error());
  }
  void stop(std::size_t tile, const Problem& problem) {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    if (!problem_ || tile < failed_tile_) problem_ = problem;
    failed_tile_ = std::min(failed_tile_, tile);
  }
  Status status() const {
    if (problem_) return fail(*problem_);
    return {};
  }

 private:
  const std::size_t tiles_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::size_t failed_tile_ = SIZE_MAX;
  std::optional<Problem> problem_;
};

Status observe_all(const AggregationTask& task, const AggregationSources& sources,
                   const std::vector<Tile>& tiles) {
  if (!SKERRY_HAS(skerry_aggregation_v1, task.rule, observe) || !task.rule->observe) return {};
  const Calling calling(task, "observe");
  TileRunner runner(task, sources);
  for (const auto& tile : tiles) {
    if (task.cancelled && task.cancelled()) return cancelled_status();
    SKERRY_TRY(runner.observe(tile));
    sources.release(tile);
  }
  return {};
}

Status combine_all(const AggregationTask& task, const AggregationSources& sources,
                   const std::vector<Tile>& tiles, const Output& output) {
  const Calling calling(task, "combine");
  TileQueue queue(tiles.size());
  const auto work = [&] {
    try {
      TileRunner runner(task, sources);
      queue.drain([&](std::size_t i) -> Status {
        if (task.cancelled && task.cancelled()) return cancelled_status();
        SKERRY_TRY(runner.combine(tiles[i], output));
        sources.release(tiles[i]);
        return {};
      });
    } catch (const std::bad_alloc&) {
      queue.stop(0, Problem{Code::data_loss, "out of memory", {}, {}});
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min<std::size_t>(task.threads, tiles.size()); ++i) {
      try {
        helpers.emplace_back(work);
      } catch (const std::system_error&) {
        break;  // fewer threads give the same result
      }
    }
    work();
  }
  return queue.status();
}

Status begin(const AggregationTask& task, const AggregationSources& sources) {
  std::vector<skerry_named_tensor> schema;
  for (const auto& spec : sources.layout().tensors) schema.push_back(view_of(spec, nullptr));
  const Calling calling(task, "begin");
  return call(task.who, [&](skerry_error* error) {
    return task.rule->begin(task.instance, schema.data(), schema.size(), task.updates.data(),
                            task.updates.size(), error);
  });
}

Status finish(const AggregationTask& task) {
  if (!SKERRY_HAS(skerry_aggregation_v1, task.rule, finish) || !task.rule->finish) return {};
  const Calling calling(task, "finish");
  return call(task.who,
              [&](skerry_error* error) { return task.rule->finish(task.instance, error); });
}

Status check_updates(const AggregationTask& task) {
  if (task.updates.size() != task.inputs.size())
    return fail(Code::internal, fmt::format("{} inputs but {} descriptions of updates",
                                            task.inputs.size(), task.updates.size()));
  for (std::size_t i = 0; i < task.updates.size(); ++i)
    if (task.updates[i].samples == 0)
      return fail(Code::invalid_argument,
                  "an update of 0 samples has no weight; at least 1 is needed",
                  task.inputs[i].name);
  return {};
}

Result<AggregationResult> write_model(const AggregationTask& task,
                                      const AggregationSources& sources,
                                      const std::vector<Tile>& tiles) {
  SKERRY_ASSIGN(const auto output, Output::create(task.output, sources.layout()));
  SKERRY_TRY(combine_all(task, sources, tiles, output));
  SKERRY_TRY(finish(task));
  SKERRY_ASSIGN(const auto digest, digest_of_file(task.output));
  return AggregationResult{digest, output.size};
}

}  // namespace

Result<AggregationResult> run_aggregation(const AggregationTask& task) {
  SKERRY_TRY(check_updates(task));
  SKERRY_ASSIGN(const auto sources, AggregationSources::open(task.inputs, task.base));
  const auto tiles = sources.tiles(std::max<std::uint64_t>(1, task.tile_elements));
  SKERRY_TRY(begin(task, sources));
  SKERRY_TRY(observe_all(task, sources, tiles));
  auto result = write_model(task, sources, tiles);
  if (!result) {
    std::error_code ignored;
    std::filesystem::remove(task.output, ignored);
  }
  return result;
}

}  // namespace skerry::runtime
