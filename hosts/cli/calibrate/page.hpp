#pragma once

#include <string>

#include "core/base/json_fwd.hpp"

namespace skerry::cli {

// A calibration as a page that stands alone: the curve of accuracy against the share that goes to
// the cloud, the choice on it, and what to write in the job file. No script, font, style or picture
// from elsewhere; everything in it that was not written here is escaped, and what is missing or
// makes no sense is left out.
//
// calibration: {"examples", "edgeAccuracy", "cloudAccuracy", "auroc", "gapRecoveredAt20",
// "points": [{"threshold", "share", "accuracy", "random", "oracle"}],
// "choice": {"by", "threshold", "share", "shareLower", "shareUpper", "accuracy", "lower", "upper",
// "confidence", "reached", "cost"}}, as plugins/workflow/joint/calibration.hpp makes it, and
// "jobLines", a text: what to write in the job file, where that is more than the threshold.
std::string calibration_page(const Json& calibration, const std::string& title);

}  // namespace skerry::cli
