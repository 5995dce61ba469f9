// Bytes: what is referenced is there and is what its name says.
#include <fmt/format.h>

#include <cmath>

#include "core/tensor/safetensors.hpp"
#include "core/tensor/validate.hpp"
#include "core/wire/messages.hpp"
#include "tests/fault/support/checks.hpp"

namespace skerry::fault {
namespace {

constexpr const char* kRule = "blobs";

std::string place(const StateCopy& state) {
  return state.directory().filename().string();
}

void check_names(const Examination& examination, StateCopy& state) {
  for (const auto& [digest, blob] : state.blobs()) {
    const auto bytes = state.bytes(digest);
    if (!bytes) {
      examination.violated(
          kRule, fmt::format("{}: the file of blob {} is gone", place(state), digest.hex()));
    } else if (bytes->size() != blob.size || digest_of(as_bytes(*bytes)) != digest) {
      examination.violated(kRule,
                           fmt::format("{}: blob {} of {} bytes has {} that do not match its name",
                                       place(state), digest.hex(), blob.size, bytes->size()));
    }
  }
}

void need(const Examination& examination, const StateCopy& state, const Digest& digest,
          const std::string& by) {
  if (!state.blobs().contains(digest))
    examination.violated(kRule, fmt::format("{}: {} needs blob {}, which is not there",
                                            place(state), by, digest.hex()));
}

void check_cloud(const Examination& examination) {
  StateCopy& cloud = examination.cloud;
  for (const JobRow& job : examination.jobs) {
    auto select = cloud.sql("SELECT digest FROM artifact WHERE job = ?");
    select.bind(1, job.id);
    while (expect(select.step()))
      need(examination, cloud, expect(select.column_digest(0)), "job " + job.key);
    for (const auto& [version, digest] : job.models)
      need(examination, cloud, digest, fmt::format("model {} of job {}", version, job.key));
    for (const auto& [id, task] : job.tasks) {
      if (task.state != "open") continue;
      for (const auto& [name, hex] : task.inputs.items())
        need(examination, cloud, expect(Digest::from_hex(hex.get<std::string>())),
             fmt::format("open task {} of job {}", id, job.key));
    }
  }
}

void check_edge(const Examination& examination, StateCopy& edge) {
  auto held = edge.sql("SELECT DISTINCT digest FROM held");
  while (expect(held.step())) need(examination, edge, expect(held.column_digest(0)), "a job");
  auto storing = edge.sql("SELECT id, result FROM task WHERE state = 'storing'");
  while (expect(storing.step())) {
    const std::string bytes = storing.column_blob(1);
    const auto result = expect(wire::decode<wire::TaskFinished>(as_bytes(bytes)));
    for (const auto& output : result.outputs)
      if (output.inline_data.size() != output.size)
        need(examination, edge, output.digest, "finished task " + storing.column_text(0));
  }
}

void check_finite(const Examination& examination, const JobRow& job) {
  for (const auto& [version, digest] : job.models) {
    const auto bytes = examination.cloud.bytes(digest);
    if (!bytes) continue;  // told as a blob that is gone
    const auto layout = tensor::parse_layout(as_bytes(*bytes), bytes->size());
    const Status finite =
        layout ? tensor::check_finite(*layout, as_bytes(*bytes)) : Status(fail(layout.error()));
    if (!finite)
      examination.violated(
          "finite", fmt::format("job {}: model {}: {}", job.key, version, finite.error().text()));
  }
}

}  // namespace

void check_blobs(Examination& examination) {
  check_names(examination, examination.cloud);
  check_cloud(examination);
  for (StateCopy* edge : examination.edges) {
    check_names(examination, *edge);
    check_edge(examination, *edge);
  }
  for (const JobRow& job : examination.jobs) check_finite(examination, job);
}

}  // namespace skerry::fault
