#pragma once

#include <string>
#include <vector>

#include "core/base/json.hpp"

namespace skerry::cli {

struct ReportInput {
  Json summary;               // see summarize()
  std::vector<Json> records;  // the lines of metrics.jsonl
  Json description;           // the cloud's own account of the job; may be empty
  Json plugins;               // what the job named: [{slot, id, kind, version, file}]
  std::string job_file;
  std::string job_text;
};

// A page that stands alone: no script, font, style or picture from elsewhere. Everything in it that
// was not written here is escaped.
std::string render_report(const ReportInput& input);

}  // namespace skerry::cli
