#include "core/runtime/data_loader.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/dataset_source.hpp"

namespace skerry::runtime {

// Rows in memory, and the view of them that plugins get.
struct DataLoader::Loaded {
  skerry_data data{};
  std::vector<std::int64_t> shape;  // of the features; its first value is the shape of the labels
  std::unique_ptr<float[]> features;
  std::vector<std::int64_t> classes;
  std::vector<float> reals;
};

namespace {

constexpr std::int64_t kNoRows = 0;
constexpr std::uint64_t kHoldoutStream =
    0x686f6c646f7574;  // holding out and dividing draw from separate streams

skerry_tensor tensor_of(void* data, std::uint8_t code, std::uint8_t bits, std::int32_t ndim,
                        const std::int64_t* shape) {
  skerry_tensor tensor{};
  tensor.data = data;
  tensor.device_type = SKERRY_CPU;
  tensor.ndim = ndim;
  tensor.dtype_code = code;
  tensor.dtype_bits = bits;
  tensor.dtype_lanes = 1;
  tensor.shape = shape;
  return tensor;
}

Problem empty_part(const std::string& split, std::size_t index, const PartitionSpec& spec,
                   std::size_t rows) {
  return {Code::invalid_argument,
          fmt::format("part {} of {} (counted from 0) has no rows: {} rows of the \"{}\" split "
                      "were divided by {}; use "
                      "fewer parts, more rows{}",
                      index, spec.parts, rows, split, partition_name(spec.by),
                      spec.by == PartitionBy::dirichlet ? ", a larger alpha or another seed" : ""),
          {},
          "partition"};
}

// What is asked for, once the job's own words are heard.
struct Share {
  PartitionSpec spec;
  std::uint32_t index = 0;
};

Share share_of(const DatasetSource& source, const LoadRequest& request, std::uint64_t job_seed) {
  Share share{{.by = PartitionBy::iid, .parts = request.parts, .seed = job_seed}, request.index};
  if (request.split == "holdout") return share;
  const auto& words = source.partition();
  share.spec.by = words.by;
  share.spec.alpha = words.alpha;
  share.spec.seed = words.seed.value_or(job_seed);
  share.spec.parts = words.parts.value_or(request.parts);
  share.index = words.index.value_or(request.index);
  return share;
}

Result<std::vector<Rows>> divide(const DatasetSource& source, const Rows& rows,
                                 const PartitionSpec& spec) {
  const auto kind = source.info().label_kind;
  if (spec.by == PartitionBy::label && kind == SKERRY_LABEL_NONE)
    return fail(Code::invalid_argument,
                "by: label needs labels, and this dataset has none; use iid", {}, "partition.by");
  if (spec.by == PartitionBy::dirichlet && kind != SKERRY_LABEL_CLASS)
    return fail(Code::invalid_argument, "by: dirichlet needs classes as labels; use iid or label",
                {}, "partition.by");
  return partition_rows(rows, source.labels(), spec);
}

Status check_share(const Share& share) {
  if (share.spec.parts == 0)
    return fail(Code::invalid_argument, "0 parts; at least 1 is needed", {}, "partition.parts");
  if (share.index >= share.spec.parts)
    return fail(Code::invalid_argument,
                fmt::format("part {} of {} does not exist: parts count from 0; raise "
                            "partition.parts or lower the index",
                            share.index, share.spec.parts),
                {}, "partition.index");
  return {};
}

}  // namespace

struct DataLoader::Source {
  DatasetSource dataset;
  Split split;
};

DataLoader::DataLoader(FeaturePool& pool, std::uint64_t job_seed)
    : pool_(pool), job_seed_(job_seed) {}
DataLoader::~DataLoader() = default;

Result<DataLoader::Source*> DataLoader::source(const std::string& slot) {
  if (auto found = sources_.find(slot); found != sources_.end()) return found->second.get();
  SKERRY_ASSIGN(Instance * instance, pool_.open_slot(slot, "dataset/1"));
  SKERRY_ASSIGN(const auto config, pool_.slot_config(slot));
  SKERRY_ASSIGN(auto dataset, DatasetSource::open(*instance, config));
  const bool by_class = dataset.info().label_kind == SKERRY_LABEL_CLASS;
  auto split = split_holdout(dataset.info().rows, dataset.labels(), by_class, dataset.holdout(),
                             job_seed_ ^ kHoldoutStream);
  auto& kept = sources_[slot] =
      std::make_unique<Source>(Source{std::move(dataset), std::move(split)});
  return kept.get();
}

Result<Rows> DataLoader::rows_of(const Source& source, const LoadRequest& request) const {
  if (request.split == "info") return Rows{};
  if (request.split != "train" && request.split != "holdout")
    return fail(
        Code::invalid_argument,
        fmt::format("there is no split \"{}\"; there are train, holdout and info", request.split));
  const Rows& all = request.split == "train" ? source.split.train : source.split.holdout;
  if (all.empty())
    return fail(
        Code::invalid_argument,
        fmt::format("the \"{}\" split has no rows: holdout is {} and the dataset has {} rows",
                    request.split, source.dataset.holdout(), source.dataset.info().rows),
        {}, "holdout");
  const Share share = share_of(source.dataset, request, job_seed_);
  SKERRY_TRY(check_share(share));
  SKERRY_ASSIGN(auto parts, divide(source.dataset, all, share.spec));
  if (parts[share.index].empty())
    return fail(empty_part(request.split, share.index, share.spec, all.size()));
  return std::move(parts[share.index]);
}

Result<const skerry_data*> DataLoader::load(const LoadRequest& request) {
  const Key key{request.slot, request.split, request.index, request.parts};
  if (auto found = loaded_.find(key); found != loaded_.end()) return &found->second->data;
  SKERRY_ASSIGN(Source * source, this->source(request.slot));
  SKERRY_ASSIGN(const Rows rows, rows_of(*source, request));

  auto loaded = std::make_unique<Loaded>();
  const auto& info = source->dataset.info();
  loaded->shape.push_back(static_cast<std::int64_t>(rows.size()));
  loaded->shape.insert(loaded->shape.end(), info.shape, info.shape + info.ndim);
  SKERRY_ASSIGN(loaded->features, source->dataset.read(rows));

  auto& data = loaded->data;
  data.struct_size = sizeof data;
  data.info = &info;
  data.features = tensor_of(loaded->features.get(), SKERRY_FLOAT, 32,
                            static_cast<std::int32_t>(loaded->shape.size()), loaded->shape.data());
  const Labels labels = source->dataset.labels();
  if (info.label_kind == SKERRY_LABEL_CLASS) {
    for (auto row : rows) loaded->classes.push_back(static_cast<std::int64_t>(labels[row]));
    data.labels = tensor_of(loaded->classes.data(), SKERRY_INT, 64, 1, loaded->shape.data());
  } else if (info.label_kind == SKERRY_LABEL_REAL) {
    for (auto row : rows) loaded->reals.push_back(static_cast<float>(labels[row]));
    data.labels = tensor_of(loaded->reals.data(), SKERRY_FLOAT, 32, 1, loaded->shape.data());
  } else {
    data.labels = tensor_of(nullptr, SKERRY_FLOAT, 32, 1, &kNoRows);
  }
  if (!rows.empty())
    log_info(fmt::format("{} rows of {} ({})", rows.size(), request.slot, request.split));
  return &(loaded_[key] = std::move(loaded))->data;
}

Result<DataLoader::Overview> DataLoader::overview(const std::string& slot, std::uint32_t nodes) {
  SKERRY_ASSIGN(Source * source, this->source(slot));
  Overview overview{
      source->dataset.info(), source->split.train.size(), source->split.holdout.size(), {}};
  const Share share = share_of(source->dataset, {slot, "train", 0, nodes}, job_seed_);
  SKERRY_TRY(check_share(share));
  SKERRY_ASSIGN(const auto parts, divide(source->dataset, source->split.train, share.spec));
  // An index in the job's own words is the only one that is used; without it, each node has a place
  // of its own.
  const bool fixed = source->dataset.partition().index.has_value();
  if (!fixed && share.spec.parts < nodes) {
    Share last = share;
    last.index = nodes - 1;
    SKERRY_TRY(check_share(last));
  }
  for (std::uint32_t i = 0; i < nodes; ++i) {
    const std::uint32_t index = fixed ? share.index : i;
    if (parts[index].empty())
      return fail(empty_part("train", index, share.spec, source->split.train.size()));
    overview.parts.push_back(parts[index].size());
  }
  return overview;
}

}  // namespace skerry::runtime
