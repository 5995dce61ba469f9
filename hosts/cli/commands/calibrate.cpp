#include <cstdio>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/config/yaml_writer.hpp"
#include "hosts/cli/calibrate/calibration_job.hpp"
#include "hosts/cli/calibrate/page.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/run/embedded_run.hpp"
#include "hosts/cli/view/problems.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

// The last record that is one.
Result<Json> calibration_in(const std::filesystem::path& records) {
  SKERRY_ASSIGN(const std::string text, read_file(records));
  Json found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto record = parse_json(text.substr(at, end - at));
    if (record && record->is_object() && record->contains("calibration"))
      found = (*record)["calibration"];
    at = end + 1;
  }
  if (found.is_object()) return found;
  return fail(Code::internal, "holds no calibration", records.string());
}

Json choose_of(const CalibrateOptions& options) {
  if (options.target_accuracy) return {{"targetAccuracy", *options.target_accuracy}};
  if (options.cloud_budget) return {{"cloudBudget", *options.cloud_budget}};
  return nullptr;
}

std::string job_lines(double threshold) {
  return "edge:\n  - ...\n    threshold: " + Json(threshold).dump();
}

Status write_results(const CalibrateOptions& options, const std::string& name, Json calibration) {
  SKERRY_TRY(make_directories(options.out));
  calibration["jobLines"] = job_lines(calibration["choice"]["threshold"].get<double>());
  SKERRY_TRY(write_file_durably(options.out / "calibration.html",
                                calibration_page(calibration, name), 0644));
  calibration.erase("jobLines");
  return write_file_durably(options.out / "calibration.json", calibration.dump(2) + "\n", 0644);
}

void tell(const CalibrateOptions& options, const Json& calibration) {
  const Json& choice = calibration["choice"];
  const auto percent = [](const Json& value) { return 100 * value.get<double>(); };
  std::printf("edge alone   %6.2f %% right\n", percent(calibration["edgeAccuracy"]));
  std::printf("cloud alone  %6.2f %% right\n", percent(calibration["cloudAccuracy"]));
  std::printf(
      "chosen       %6.2f %% right (95 %%: %.2f to %.2f), %.2f %% to the cloud, of %llu examples\n",
      percent(choice["accuracy"]), percent(choice["lower"]), percent(choice["upper"]),
      percent(choice["share"]),
      static_cast<unsigned long long>(calibration["examples"].get<std::uint64_t>()));
  if (!choice["reached"].get<bool>())
    std::printf("What was wanted cannot be reached; this is the nearest.\n");
  std::printf("\nPut this into the job file:\n\n%s\n\n%s\n%s\n",
              job_lines(choice["threshold"].get<double>()).c_str(),
              (options.out / "calibration.html").c_str(),
              (options.out / "calibration.json").c_str());
}

}  // namespace

int calibrate_command(const CalibrateOptions& options) {
  const auto job = calibration_job({options.file, options.data, options.split, choose_of(options)});
  if (!job) return complain(job.error(), options.json, kBadInput);
  const auto folder = TempDir::create();
  if (!folder) return complain(folder.error(), options.json, kFailed);
  const auto file = folder->path() / "calibration.yaml";
  if (const auto written = write_file_durably(file, config::to_yaml(job->document)); !written)
    return complain(written.error(), options.json, kFailed);
  RunOptions run;
  run.file = file;
  run.edges = 1;
  run.out = folder->path() / "result";
  run.quiet = true;
  if (const int status = run_command(run); status != kOk) return status;
  const auto calibration = calibration_in(run.out / "metrics.jsonl");
  if (!calibration) return complain(calibration.error(), options.json, kFailed);
  if (const auto written = write_results(options, job->name, *calibration); !written)
    return complain(written.error(), options.json, kFailed);
  if (options.json)
    print_json(*calibration);
  else
    tell(options, *calibration);
  return kOk;
}

}  // namespace skerry::cli
