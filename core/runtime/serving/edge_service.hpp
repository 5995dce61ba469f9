// The edge's side of a service. A strategy says of each question which models answer and when the
// cloud is asked; the edge's own answer is kept in hand meanwhile, and whichever is first, the
// cloud's answer or the deadline, is delivered, once. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <unordered_map>
#include <vector>

#include "core/runtime/instance.hpp"
#include "core/runtime/serving/breaker.hpp"
#include "core/runtime/serving/features.hpp"
#include "core/runtime/serving/kept_labels.hpp"
#include "core/runtime/serving/link_estimate.hpp"
#include "core/runtime/serving/served_filter.hpp"
#include "core/runtime/serving/served_model.hpp"
#include "core/runtime/serving/statistics.hpp"
#include "core/wire/local_link.hpp"

namespace skerry::runtime {

struct EdgeStage {
  ServedModel model;
  std::optional<ServedFilter> filter;
};

struct EdgeSettings {
  std::string service;
  std::uint64_t version = 1;
  std::uint64_t session = 0;                    // of the questions to the cloud
  bool cloud = true;                            // is there one to ask
  std::chrono::microseconds deadline{100'000};  // of a question that says none
  bool fallback = true;                         // the edge answers where the cloud does not
  bool always_encode = false;                   // what goes to the cloud; else over slow links
  double audit = 0;                             // share of the easy ones that the cloud sees too
  std::uint64_t seed = 0;
  Breaker::Limits breaker;
};

class EdgeService {
 public:
  // `payload` and `labels` may be null.
  EdgeService(wire::LocalLink& link, const Instance& strategy, std::vector<EdgeStage> stages,
              InputForm form, EdgeSettings settings, const ServedPayload* payload = nullptr,
              KeptLabels* labels = nullptr);

  // Does what the strategy wants exist? To be asked before run().
  Status check();

  // Questions that it should be given at a time.
  static constexpr std::uint32_t kCredit = 1024;
  // As CloudService::run.
  void run(const std::function<bool()>& stop, const std::function<void()>& tick);
  const Statistics& statistics() const { return statistics_; }

 private:
  using Clock = wire::LocalLink::Clock;

  // How long the cloud's answer is still of use where the asker has another one.
  static constexpr std::chrono::seconds kRemember{10};

  struct Stage {
    bool predicted = false;
    std::vector<float> outputs;
    std::uint32_t compute_us = 0;
  };
  struct Question {
    wire::Header header;  // of the asker's frame
    zmq::message_t body;  // kept while the edge may still have to answer from it
    wire::PredictRequestView request;
    std::string encoded;          // the example for the cloud, where that is another form
    std::size_t bytes = 0;        // of the example, as it goes to the cloud
    Clock::time_point came, due;  // it is answered by then
    Clock::duration reading{0};   // how long it took to read the example
    std::vector<Stage> stages;
    std::optional<Judgement> judgement;  // the last one
    bool audit = false;                  // answered already: the cloud's answer is to compare
    bool delivered = false;
    bool kept = false;        // its example is, for a label
    Clock::time_point asked;  // the cloud

    void forget_example() {
      body.rebuild();
      request.data = {};
    }
  };
  using Waiting = std::unordered_map<std::uint64_t, Question>;
  struct New {
    wire::LocalLink::Frame frame;
    Clock::time_point came;  // at the earliest
  };

  void note_state();
  void be_idle(Clock::time_point until);
  void take_all();
  void begin_next();
  void begin(New next);
  void decide(Question question);
  Result<skerry_step> next_step(const Question& question);
  Status predict(Question& question, std::uint32_t stage);
  Status judge(Question& question, std::uint32_t stage);
  void ask_cloud(Question question);
  bool goes_nevertheless();
  bool is_slow(const Question& question, Clock::time_point now) const;
  bool encode_perhaps(Question& question, Clock::time_point now);
  void send_to_cloud(Question question);
  void cloud_answered(std::uint64_t number, const wire::PredictReplyView& reply);
  void compare(const Question& question, Bytes outputs);
  void keep_label(Question& question, wire::PredictReply meta, bool late, Bytes outputs);
  void reply_of_no_use(Question& question, const std::string& code);
  void missed(Question& question);
  void fall_back(Question& question);
  void answer_alone(Question& question, bool fallback);
  void audit_perhaps(Question question);
  void answer_due(Clock::duration ahead);
  void keep_or_forget_example(Question& question);
  void forget_question(Waiting::iterator question);
  bool all_delivered() const;
  Status check_walk(bool hard);
  Clock::time_point next_due(Clock::time_point latest) const;
  void deliver(Question& question, wire::PredictReply meta, Bytes outputs);
  void refuse(Question& question, std::string code, const std::string& message);
  void count_label(const Question& question, std::int64_t said);

  wire::LocalLink& link_;
  const Instance& strategy_;
  std::vector<EdgeStage> stages_;
  const InputForm form_;
  const EdgeSettings settings_;
  const ServedPayload* const payload_;
  KeptLabels* const labels_;
  bool retired_ = false;
  bool encoding_fails_ = false;
  Breaker breaker_;
  LinkEstimate estimate_;
  std::mt19937_64 random_;
  std::uint64_t asked_ = 0;
  std::deque<New> new_;                     // questions that are not begun
  Clock::time_point quiet_ = Clock::now();  // when the link was last seen without anything to take
  Clock::duration busy_{0};                 // how long one keeps this thread, about
  Waiting waiting_;                         // for the cloud, by our number
  std::multimap<Clock::time_point, std::uint64_t> due_;  // of those: when to do without it
  std::size_t kept_bytes_ = 0;  // of those that were answered without it: their examples
  std::vector<float> features_;
  std::vector<skerry_stage> view_;
  Statistics statistics_;
};

}  // namespace skerry::runtime
