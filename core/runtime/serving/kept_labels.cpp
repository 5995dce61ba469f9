#include "core/runtime/serving/kept_labels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/runtime/serving/features.hpp"
#include "core/runtime/tensor_types.hpp"

namespace skerry::runtime {
namespace {

constexpr std::size_t kMostBytes = 64u << 20;
constexpr std::size_t kMost = 4096;
// Times a write's own length. A sink that is always slow costs at most such a part of the time.
constexpr int kBelieved = 30;
// Well before the host ends a worker that does not stop.
constexpr std::chrono::seconds kLastWrites{10};

}  // namespace

void KeptLabels::add(CloudLabel label) {
  bytes_ += label.bytes();
  waiting_.push_back(std::move(label));
  while (bytes_ > kMostBytes || waiting_.size() > kMost) {
    take();
    ++dropped_;
  }
}

CloudLabel KeptLabels::take() {
  CloudLabel oldest = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= oldest.bytes();
  return oldest;
}

bool KeptLabels::write_one(Clock::time_point until) {
  if (waiting_.empty()) return false;
  const auto began = Clock::now();
  if (until - began < 2 * expected_) {
    // Only a write can show that the sink has become faster.
    if (began > believed_until_) {
      believed_until_ = began + kBelieved * expected_;
      expected_ /= 2;
    }
    return false;
  }
  static_cast<void>(write(take()));
  const auto ended = Clock::now();
  expected_ = std::max(ended - began, expected_ * 7 / 8);
  believed_until_ = ended + kBelieved * expected_;
  return true;
}

// Counts, and says the first time that it fails.
Status KeptLabels::write(const CloudLabel& label) {
  Status done = tell(label);
  done ? ++written_ : ++dropped_;
  if (!done && !failing_)
    log_warn(fmt::format("service {}: a label is not kept: {}: {}", service_, sink_.who(),
                         done.error().text()));
  failing_ = !done;
  return done;
}

Status KeptLabels::tell(const CloudLabel& label) {
  skerry_item item{};
  item.struct_size = sizeof item;
  item.number = number_++;
  item.seconds = std::numeric_limits<double>::quiet_NaN();
  item.label = label.request.meta.label;
  item.name = "";
  SKERRY_ASSIGN(item.tensor, example_of(label));
  skerry_outcome outcome = outcome_of(item, label.meta, label.outputs);
  outcome.service = service_.c_str();
  outcome.by_cloud = 1;
  outcome.late = label.late;
  return sink_.write(outcome);
}

// Borrowed from the label, or from `features_`.
Result<skerry_tensor> KeptLabels::example_of(const CloudLabel& label) {
  if (label.request.meta.form == wire::Form::uint8)
    return levels_view(label.request.data.data(), form_.shape);
  features_.resize(form_.elements());
  SKERRY_TRY(features_of(label.request, form_, payload_, features_.data()));
  return view_of(features_.data(), form_.shape);
}

// One that the sink cannot take says nothing of the others.
void KeptLabels::finish() {
  const auto until = Clock::now() + kLastWrites;
  bool takes = true;
  while (takes && !waiting_.empty() && Clock::now() < until) {
    const Status done = write(take());
    takes = done || done.error().code == Code::invalid_argument;
  }
  dropped_ += waiting_.size();
  waiting_.clear();
  bytes_ = 0;
  if (const Status done = sink_.close(); !done)
    log_warn(fmt::format("service {}: {}: {}", service_, sink_.who(), done.error().text()));
}

}  // namespace skerry::runtime
