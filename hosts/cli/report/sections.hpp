// The parts of the report, each as markup. Empty: there is nothing to show.
#pragma once

#include <string>
#include <vector>

#include "hosts/cli/report/report.hpp"

namespace skerry::cli {

std::string tiles_section(const Json& summary);
std::string charts_section(const std::vector<Json>& records);
std::string time_section(const Json& summary);
std::string rounds_section(const std::vector<Json>& records);
std::string plugins_section(const ReportInput& input);
std::string conditions_section(const Json& description);

// A section with a heading; empty when the content is.
std::string card(const std::string& title, const std::string& content,
                 const std::string& note = {});

}  // namespace skerry::cli
