#include "core/engine/examiner.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/tensor/distance.hpp"
#include "core/tensor/safetensors.hpp"
#include "core/tensor/validate.hpp"

namespace skerry::engine {
namespace {

Result<tensor::Layout> layout_of(const Content& content) {
  if (!content.path.empty()) return tensor::read_layout(content.path);
  return tensor::parse_layout(as_bytes(content.data), content.data.size());
}

Verdict reject(const char* code, const std::string& name, const Problem& problem) {
  return {false, code, fmt::format("output `{}`: {}", name, problem.message), {}};
}

// The bytes of a content, mapped when they are in a file.
class Opened {
 public:
  static Result<Opened> open(const Content& content) {
    Opened opened;
    opened.bytes_ = as_bytes(content.data);
    if (content.path.empty()) return opened;
    SKERRY_ASSIGN(opened.file_, MappedFile::open(content.path));
    opened.bytes_ = opened.file_.bytes();
    return opened;
  }
  Bytes bytes() const { return bytes_; }

 private:
  MappedFile file_;
  Bytes bytes_;
};

std::uint64_t size_of(const Content& content) {
  std::error_code unknown;
  if (content.path.empty()) return content.data.size();
  const auto size = std::filesystem::file_size(content.path, unknown);
  return unknown ? 0 : size;
}

Verdict check_size(const Exhibit& exhibit) {
  const std::uint64_t size = size_of(exhibit.found);
  const std::uint64_t like_model = size_of(exhibit.expected) + kHeaderRoom;
  const bool limited = exhibit.max_bytes > 0 && exhibit.max_bytes < like_model;
  const std::uint64_t most = limited ? exhibit.max_bytes : like_model;
  if (size <= most) return {};
  return {false,
          "rejected.size",
          fmt::format("output `{}` has {} bytes, at most {} are allowed ({})", exhibit.name, size,
                      most, limited ? "the job's limit" : "as many as the model needs"),
          {}};
}

Verdict check_samples(const Exhibit& exhibit) {
  if (!exhibit.samples) return {};
  const auto& [min, max, told] = *exhibit.samples;
  if (told >= min && told <= max) return {};
  return {false,
          "rejected.samples",
          fmt::format("the answer names {} samples; at least {} and at most {} are allowed", told,
                      min, max),
          {}};
}

Result<Clipped> clip(const Exhibit& exhibit, const tensor::Tensors& found,
                     const tensor::Tensors& base, double norm) {
  const NormLimit& limit = *exhibit.norm;
  Clipped clipped{.norm = norm, .digest = {}, .size = 0, .data = {}};
  Hasher hasher;
  UniqueFd file;
  const bool in_file = !exhibit.found.path.empty();
  if (in_file) {
    SKERRY_ASSIGN(file, open_file(limit.scratch, O_WRONLY | O_CREAT | O_TRUNC));
  }
  SKERRY_TRY(tensor::move_towards_base(found, base, limit.max / norm, [&](Bytes bytes) -> Status {
    hasher.update(bytes);
    clipped.size += bytes.size();
    if (in_file) return write_all(file.get(), bytes, limit.scratch);
    clipped.data.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }));
  clipped.digest = hasher.finish();
  if (in_file) SKERRY_TRY(limit.store(limit.scratch, clipped.digest, clipped.size));
  return clipped;
}

Verdict check_norm(const Exhibit& exhibit, const tensor::Tensors& found) {
  if (!exhibit.norm) return {};
  const auto bytes = Opened::open(exhibit.norm->base);
  if (!bytes) return reject("data_loss", exhibit.name, bytes.error());
  const auto layout = tensor::parse_layout(bytes->bytes(), bytes->bytes().size());
  if (!layout) return reject("data_loss", exhibit.name, layout.error());
  if (const auto same = tensor::same_structure(*layout, found.layout); !same)
    return reject("rejected.shape", exhibit.name, same.error());
  const tensor::Tensors base{*layout, bytes->bytes()};
  const double norm = tensor::distance(found, base);
  if (norm <= exhibit.norm->max) return {};
  if (!exhibit.norm->clip || !std::isfinite(norm)) {
    return {
        false,
        "rejected.norm",
        fmt::format("output `{}` is {:.6g} away from the model it started from (Euclidean norm), "
                    "at most {:.6g} is allowed",
                    exhibit.name, norm, exhibit.norm->max),
        {}};
  }
  auto clipped = clip(exhibit, found, base, norm);
  if (!clipped) return reject("data_loss", exhibit.name, clipped.error());
  Verdict verdict;
  verdict.clipped.emplace(exhibit.name, std::move(*clipped));
  return verdict;
}

Verdict check_values(const std::string& name, const Content& content) {
  const auto layout = layout_of(content);
  if (!layout) return reject("rejected.malformed", name, layout.error());
  const auto bytes = Opened::open(content);
  if (!bytes) return reject("data_loss", name, bytes.error());
  if (const auto finite = tensor::check_finite(*layout, bytes->bytes()); !finite)
    return reject("rejected.nan", name, finite.error());
  return {};
}

Verdict check(const Exhibit& exhibit) {
  const auto found = layout_of(exhibit.found);
  if (!found) return reject("rejected.malformed", exhibit.name, found.error());
  if (!exhibit.encoded) {
    const auto expected = layout_of(exhibit.expected);
    if (!expected) return reject("data_loss", exhibit.name, expected.error());
    if (const auto same = tensor::same_structure(*expected, *found); !same)
      return reject("rejected.shape", exhibit.name, same.error());
  }
  const auto bytes = Opened::open(exhibit.found);
  if (!bytes) return reject("data_loss", exhibit.name, bytes.error());
  if (const auto finite = tensor::check_finite(*found, bytes->bytes()); !finite)
    return reject("rejected.nan", exhibit.name, finite.error());
  if (Verdict samples = check_samples(exhibit); !samples.ok) return samples;
  return check_norm(exhibit, {*found, bytes->bytes()});
}

Verdict check_all(const std::vector<Exhibit>& exhibits) {
  Verdict all = check_sizes(exhibits);
  if (!all.ok) return all;
  for (const Exhibit& exhibit : exhibits) {
    Verdict verdict = check(exhibit);
    if (!verdict.ok) return verdict;
    all.clipped.merge(verdict.clipped);
  }
  return all;
}

bool in_memory(const Exhibit& exhibit) {
  return exhibit.found.path.empty() && (!exhibit.norm || exhibit.norm->base.path.empty());
}

}  // namespace

Verdict check_sizes(const std::vector<Exhibit>& exhibits) {
  for (const Exhibit& exhibit : exhibits)
    if (Verdict verdict = check_size(exhibit); !verdict.ok) return verdict;
  return {};
}

void Examiner::examine(std::vector<Exhibit> exhibits, std::function<Status()> prepare,
                       std::function<void(Verdict)> done) {
  const bool here = !prepare && std::all_of(exhibits.begin(), exhibits.end(), in_memory);
  judge(
      here,
      [exhibits = std::move(exhibits), prepare = std::move(prepare)]() -> Verdict {
        Verdict verdict = check_all(exhibits);
        if (!verdict.ok || !prepare) return verdict;
        if (const auto prepared = prepare(); !prepared)
          return {false, "data_loss", prepared.error().text(), {}};
        return verdict;
      },
      std::move(done));
}

void Examiner::examine_models(std::vector<Content> models, std::function<void(Verdict)> done) {
  const bool here = std::all_of(models.begin(), models.end(),
                                [](const Content& model) { return model.path.empty(); });
  judge(
      here,
      [models = std::move(models)] {
        Verdict verdict;
        for (const Content& model : models)
          if (verdict.ok) verdict = check_values("model", model);
        return verdict;
      },
      std::move(done));
}

void Examiner::judge(bool here, std::function<Verdict()> check, std::function<void(Verdict)> done) {
  if (here) return done(check());
  const auto verdict = std::make_shared<Verdict>();
  loop_.aside([verdict, check = std::move(check)] { *verdict = check(); },
              [verdict, done = std::move(done)] { done(std::move(*verdict)); });
}

}  // namespace skerry::engine
