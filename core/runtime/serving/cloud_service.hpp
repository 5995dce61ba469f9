// The cloud's side of a service: questions are answered in batches. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/runtime/serving/features.hpp"
#include "core/runtime/serving/served_model.hpp"
#include "core/runtime/serving/statistics.hpp"
#include "core/wire/local_link.hpp"

namespace skerry::runtime {

struct BatchLimits {
  std::uint32_t most = 8;                // questions
  std::chrono::microseconds delay{200};  // that the first of a batch waits for others, at most
};

class CloudService {
 public:
  // `payload` may be null.
  CloudService(wire::LocalLink& link, const ServedModel& model, InputForm form, BatchLimits limits,
               std::uint64_t version, const ServedPayload* payload = nullptr);

  // How many questions it should be given at a time.
  std::uint32_t credit() const { return 2 * limits_.most; }
  // Until `stop` says so, or another version has taken its place and all is answered. `tick` is
  // called a few times a second.
  void run(const std::function<bool()>& stop, const std::function<void()>& tick);
  const Statistics& statistics() const { return statistics_; }

 private:
  using Clock = wire::LocalLink::Clock;

  struct Waiting {
    wire::LocalLink::Frame frame;
    wire::PredictRequestView request;
    Clock::time_point came, until;
  };

  void gather(Clock::time_point until);
  void accept(wire::LocalLink::Frame frame);
  void answer_batch();
  void answer(const std::vector<const Waiting*>& batch);
  void reply(const Waiting& question, wire::PredictReply meta, Bytes outputs);

  wire::LocalLink& link_;
  const ServedModel& model_;
  const ServedPayload* const payload_;
  const InputForm form_;
  const BatchLimits limits_;
  const std::uint64_t version_;
  bool retired_ = false;
  std::size_t last_batch_ = 1;
  std::vector<Waiting> waiting_;
  std::vector<float> features_, outputs_;
  Statistics statistics_;
};

}  // namespace skerry::runtime
