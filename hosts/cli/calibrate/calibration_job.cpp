#include "hosts/cli/calibrate/calibration_job.hpp"

#include <fmt/format.h>

#include "core/config/job.hpp"
#include "hosts/cli/run/job_check.hpp"

namespace skerry::cli {
namespace {

constexpr const char* kService = "JointInferenceService";
constexpr const char* kCalibration = "JointCalibration";
constexpr const char* kData = "Dataset";

tl::unexpected<Problems> wrong(const std::string& message, const std::string& where,
                               const std::string& field = {}) {
  return tl::unexpected(Problems{{Code::invalid_argument, message, where, field}});
}

tl::expected<Json, Problems> service_of(const std::filesystem::path& path) {
  auto file = read_job_file(path);
  if (!file) return tl::unexpected(file.error());
  const auto resolved = config::resolve_job(file->documents, *file->catalog, {.check_files = true});
  if (!resolved) return tl::unexpected(resolved.error().problems);
  Json service = runnable_again(*resolved);
  if (service["kind"] != kService)
    return wrong(fmt::format("found a {}; a threshold is found for a {}",
                             service["kind"].get<std::string>(), kService),
                 path.string(), "kind");
  const Json& spec = service["spec"];
  if (spec["edge"].size() != 1 || !spec["edge"][0].contains("filter"))
    return wrong(
        "a threshold is found for one model with one filter on the edge, and one model on "
        "the cloud",
        path.string(), "spec.edge");
  if (!spec.contains("cloud"))
    return wrong("there is no model on the cloud that could help; add cloud", path.string(),
                 "spec.cloud");
  return service;
}

// The documents of the file that are data, so that the job can name the one that there is.
tl::expected<std::vector<config::Document>, Problems> data_of(const std::filesystem::path& path,
                                                              std::string& name) {
  auto file = read_job_file(path);
  if (!file) return tl::unexpected(file.error());
  std::vector<config::Document> data;
  for (config::Document& document : file->documents) {
    if (!document.value.is_object() || document.value.value("kind", "") != kData) continue;
    data.push_back(std::move(document));
  }
  if (data.size() != 1)
    return wrong(
        fmt::format("found {} documents of kind {}; give a file with one", data.size(), kData),
        path.string());
  const Json& metadata = data.front().value.value("metadata", Json::object());
  if (metadata.is_object()) name = metadata.value("name", "");
  return data;
}

Json calibration_of(const Json& service, const CalibrationWish& wish, const std::string& data) {
  const Json& from = service["spec"];
  Json edge = from["edge"][0], cloud = from["cloud"];
  edge.erase("threshold");
  for (const char* key : {"replicas", "batch"}) cloud.erase(key);
  Json spec{{"dataset", {{"name", data}}},
            {"split", wish.split},
            {"edge", Json::array({edge})},
            {"cloud", cloud},
            {"choose", wish.choose.is_null() ? from.value("choose", Json()) : wish.choose}};
  for (const char* key : {"seed", "pluginPath"})
    if (from.contains(key)) spec[key] = from[key];
  return {{"apiVersion", service["apiVersion"]},
          {"kind", kCalibration},
          {"metadata", service["metadata"]},
          {"spec", spec}};
}

}  // namespace

tl::expected<CalibrationJob, Problems> calibration_job(const CalibrationWish& wish) {
  const auto service = service_of(wish.service);
  if (!service) return tl::unexpected(service.error());
  if (wish.choose.is_null() && !(*service)["spec"].contains("choose"))
    return wrong(
        "it does not say what the threshold is to achieve; add choose: {targetAccuracy: "
        "0.95} or {cloudBudget: 0.2} to its spec, or say --target-accuracy or "
        "--cloud-budget",
        wish.service.string(), "spec.choose");
  std::string data_name;
  auto documents = data_of(wish.data, data_name);
  if (!documents) return tl::unexpected(documents.error());
  config::Document job;
  job.value = calibration_of(*service, wish, data_name);
  documents->insert(documents->begin(), std::move(job));
  const auto file = read_job_file(wish.service);
  if (!file) return tl::unexpected(file.error());
  const auto resolved = config::resolve_job(*documents, *file->catalog, {.check_files = true});
  if (!resolved) return tl::unexpected(resolved.error().problems);
  return CalibrationJob{resolved->name(), runnable_again(*resolved)};
}

}  // namespace skerry::cli
