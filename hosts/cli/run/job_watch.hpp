#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "hosts/cli/admin/admin_client.hpp"
#include "hosts/cli/view/progress.hpp"

namespace skerry::cli {

// A job as seen from outside, brought up to date by one long poll after another.
class JobWatch {
 public:
  explicit JobWatch(std::string job) : job_(std::move(job)) {}

  // Waits until there is something new, at most `wait`. `on_record` is called for each new record.
  Status update(AdminClient& cloud, std::chrono::milliseconds wait,
                const std::function<void(const Json&)>& on_record);

  const std::string& phase() const { return phase_; }
  const std::string& message() const { return message_; }
  const std::vector<Json>& records() const { return records_; }
  const Json& bytes() const { return bytes_; }
  bool finished() const { return finished_; }
  // `total_rounds` 0: unknown.
  Progress progress(std::size_t total_rounds) const;

 private:
  std::string job_;
  std::string phase_ = "Pending";
  std::string message_;
  std::vector<Json> records_;
  Json tasks_ = Json::array();
  Json bytes_;
  bool finished_ = false;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// How many rounds the job asks for; 0: its workflow has no such word.
std::size_t rounds_in_plan(const Json& plan);

}  // namespace skerry::cli
