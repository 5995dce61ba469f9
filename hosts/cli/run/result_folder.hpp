#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"

namespace skerry::cli {

// Where a run leaves what came of it:
//   model.safetensors  metrics.jsonl  report.html  summary.json  job.yaml  logs/
class ResultFolder {
 public:
  // Empty `wanted`: skerry-out/JOB-YYYYmmdd-HHMMSS below the current directory.
  static std::filesystem::path choose(const std::filesystem::path& wanted, const std::string& job);

  // May it be used? Not a folder that holds something else than the result of an earlier run.
  static Status check(const std::filesystem::path& path);

  // Makes the folder, or empties an earlier result, and marks it as ours.
  static Result<ResultFolder> claim(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path model() const { return path_ / "model.safetensors"; }

  Status add_record(const Json& record);  // a line of metrics.jsonl
  Status write(const std::string& name, const std::string& text);
  void log(const std::string& text);  // a line of logs/run.log
  // The logs of a host and its workers, from its state directory.
  void keep_logs(const std::string& node, const std::filesystem::path& state);
  // A message of a host that names logs below `states`/NODE, which is gone after the run: with the
  // names of those that are kept here.
  std::string where_logs_are_kept(std::string message, const std::filesystem::path& states) const;

 private:
  explicit ResultFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace skerry::cli
