#include "core/engine/examiner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/tensor/safetensors.hpp"
#include "core/tensor/validate.hpp"

namespace skerry::engine {
namespace {

Result<tensor::Layout> layout_of(const Content& content) {
  if (!content.path.empty()) return tensor::read_layout(content.path);
  return tensor::parse_layout(as_bytes(content.data), content.data.size());
}

Verdict reject(const char* code, const std::string& name, const Problem& problem) {
  return {false, code, fmt::format("output `{}`: {}", name, problem.message)};
}

Verdict check_values(const std::string& name, const tensor::Layout& layout, Bytes bytes) {
  if (const auto finite = tensor::check_finite(layout, bytes); !finite)
    return reject("rejected.nan", name, finite.error());
  return {};
}

Verdict check(const Exhibit& exhibit) {
  const auto found = layout_of(exhibit.found);
  if (!found) return reject("rejected.malformed", exhibit.name, found.error());
  const auto expected = layout_of(exhibit.expected);
  if (!expected) return reject("data_loss", exhibit.name, expected.error());
  if (const auto same = tensor::same_structure(*expected, *found); !same) {
    return reject("rejected.shape", exhibit.name, same.error());
  }
  if (exhibit.found.path.empty())
    return check_values(exhibit.name, *found, as_bytes(exhibit.found.data));
  const auto file = MappedFile::open(exhibit.found.path);
  if (!file) return reject("data_loss", exhibit.name, file.error());
  return check_values(exhibit.name, *found, file->bytes());
}

Verdict check_all(const std::vector<Exhibit>& exhibits) {
  for (const Exhibit& exhibit : exhibits)
    if (Verdict verdict = check(exhibit); !verdict.ok) return verdict;
  return {};
}

bool in_memory(const Exhibit& exhibit) {
  return exhibit.found.path.empty();
}

}  // namespace

void Examiner::examine(std::vector<Exhibit> exhibits, std::function<Status()> prepare,
                       std::function<void(Verdict)> done) {
  if (!prepare && std::all_of(exhibits.begin(), exhibits.end(), in_memory))
    return done(check_all(exhibits));
  const auto verdict = std::make_shared<Verdict>();
  loop_.aside(
      [verdict, exhibits = std::move(exhibits), prepare = std::move(prepare)] {
        *verdict = check_all(exhibits);
        if (!verdict->ok || !prepare) return;
        if (const auto prepared = prepare(); !prepared)
          *verdict = {false, "data_loss", prepared.error().text()};
      },
      [verdict, done = std::move(done)] { done(std::move(*verdict)); });
}

}  // namespace skerry::engine
