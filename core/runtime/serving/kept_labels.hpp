// What the cloud said of examples, on its way to the job's sink for labels: written when the
// service has nothing else to do, so that no asker waits for a disk. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "core/base/bytes.hpp"
#include "core/runtime/serving/served_payload.hpp"
#include "core/runtime/serving/served_sink.hpp"
#include "core/wire/predict.hpp"

namespace skerry::runtime {

struct CloudLabel {
  zmq::message_t body;               // the asker's frame
  wire::PredictRequestView request;  // of it: the example
  std::vector<float> outputs;        // what the cloud said
  wire::PredictReply meta;           // how
  bool late = false;                 // the asker had another answer

  std::size_t bytes() const { return body.size() + outputs.size() * sizeof(float); }
};

class KeptLabels {
 public:
  using Clock = std::chrono::steady_clock;

  // `payload` decodes examples that came encoded, and may be null where none can.
  KeptLabels(ServedSink sink, InputForm form, std::string service, const ServedPayload* payload)
      : sink_(std::move(sink)),
        form_(std::move(form)),
        service_(std::move(service)),
        payload_(payload) {}

  // Where there is no room left, the oldest is dropped.
  void add(CloudLabel label);
  // One whose example could not be kept until the cloud answered.
  void drop() { ++dropped_; }
  bool empty() const { return waiting_.empty(); }
  // Writes one, if that is likely to be done by `until`. False: it did not.
  bool write_one(Clock::time_point until);
  // What is left, while the sink takes it and there is time, and the sink's end.
  void finish();

  std::uint64_t written() const { return written_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  CloudLabel take();
  Status write(const CloudLabel& label);
  Status tell(const CloudLabel& label);
  Result<skerry_tensor> example_of(const CloudLabel& label);

  const ServedSink sink_;
  const InputForm form_;
  const std::string service_;
  const ServedPayload* const payload_;
  std::deque<CloudLabel> waiting_;
  std::size_t bytes_ = 0;               // of those
  Clock::duration expected_{0};         // how long a write takes
  Clock::time_point believed_until_{};  // that it does
  bool failing_ = false;
  std::vector<float> features_;
  std::uint64_t number_ = 0;
  std::uint64_t written_ = 0, dropped_ = 0;
};

}  // namespace skerry::runtime
