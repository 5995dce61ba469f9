#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "core/base/json.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {

struct CalibrationWish {
  std::filesystem::path service;  // the job file of the service
  std::filesystem::path data;     // a file with one Dataset
  std::string split;              // which of its rows
  Json choose;                    // null: what the service's file says
};

struct CalibrationJob {
  std::string name;  // of the service
  Json document;     // a job of kind JointCalibration; its paths are absolute
};

// What answers the question which threshold the service should have.
tl::expected<CalibrationJob, Problems> calibration_job(const CalibrationWish& wish);

}  // namespace skerry::cli
