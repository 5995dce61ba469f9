// An EdgeService's side towards the cloud: what goes there, in which form, and what came of it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/log.hpp"
#include "core/runtime/serving/edge_service.hpp"
#include "core/runtime/serving/microseconds.hpp"
#include "core/runtime/serving/outputs.hpp"

namespace skerry::runtime {

void EdgeService::ask_cloud(Question question) {
  const auto now = Clock::now();
  if (!settings_.cloud) return answer_alone(question, false);
  if (!breaker_.admit(now)) {
    ++statistics_.spared;
    return fall_back(question);
  }
  const bool trial = encode_perhaps(question, now);
  const auto expected = estimate_.expect(question.bytes);
  const bool too_slow =
      expected && breaker_.state() == Breaker::State::closed &&
      now + std::chrono::microseconds(static_cast<std::int64_t>(*expected)) > question.due;
  if (too_slow && !trial && !goes_nevertheless()) {
    ++statistics_.spared;
    return fall_back(question);
  }
  send_to_cloud(std::move(question));
}

// One in a while, or nobody would learn that the link has become faster.
bool EdgeService::goes_nevertheless() {
  return random_() % 32 == 0;
}

// Would it take more than half of the time that there is?
bool EdgeService::is_slow(const Question& question, Clock::time_point now) const {
  const auto expected = estimate_.expect(question.bytes);
  return expected &&
         now + std::chrono::microseconds(static_cast<std::int64_t>(2 * *expected)) > question.due;
}

// The features in hand are this question's. What came encoded goes as it came. True: it is to go as
// it is although that is slow.
bool EdgeService::encode_perhaps(Question& question, Clock::time_point now) {
  if (payload_ == nullptr || question.request.meta.form == wire::Form::image) return false;
  if (!settings_.always_encode && !is_slow(question, now)) return false;
  if (!settings_.always_encode && goes_nevertheless()) return true;
  auto encoded = payload_->encode(features_.data());
  if (!encoded || encoded->size() > wire::kMaxPredictData || encoded->empty()) {
    if (!std::exchange(encoding_fails_, true))
      log_warn(fmt::format(
          "service {}: an example goes to the cloud as it is: {}", settings_.service,
          encoded ? "its encoded form has no size that can be sent" : encoded.error().text()));
    return false;
  }
  if (!settings_.always_encode && encoded->size() >= question.bytes) return false;
  question.encoded = std::move(*encoded);
  question.bytes = question.encoded.size();
  return false;
}

void EdgeService::send_to_cloud(Question question) {
  const std::uint64_t number = ++asked_;
  wire::PredictRequest meta = question.request.meta;
  meta.service = settings_.service;
  meta.label = -1;  // the cloud has no use for it
  const auto now = Clock::now();
  const auto left = question.due - now;
  meta.patience_us = std::max(1u, left.count() > 0 ? microseconds(left) : 0u);
  question.asked = now;
  Bytes data = question.request.data;
  if (!question.encoded.empty()) {
    meta.form = wire::Form::image;
    meta.shape.clear();
    data = as_bytes(question.encoded);
    ++statistics_.encoded;
  }
  statistics_.bytes_up += data.size();
  link_.send(wire::frame_request(settings_.session, number, meta, data));
  question.encoded = {};
  if (question.audit)
    keep_or_forget_example(question);
  else
    ++statistics_.offloaded;
  Clock::time_point until = question.audit ? now + kRemember : question.due;
  const bool in_hand = std::any_of(question.stages.begin(), question.stages.end(),
                                   [](const Stage& stage) { return stage.predicted; });
  // Where the edge has no answer yet, it must still have the time to find one, and the cloud as
  // much.
  const Clock::duration own =
      question.reading + std::chrono::microseconds(statistics_.compute.quantile(0.9));
  if (!question.audit && !in_hand && settings_.fallback)
    until -= std::min<Clock::duration>(2 * own, std::max(left / 2, Clock::duration{}));
  due_.emplace(until, number);
  waiting_.emplace(number, std::move(question));
}

void EdgeService::cloud_answered(std::uint64_t number, const wire::PredictReplyView& reply) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  Question& question = found->second;
  const auto now = Clock::now();
  const std::uint32_t took = microseconds(now - question.asked);
  if (!reply.meta.code.empty()) {
    if (!question.delivered) reply_of_no_use(question, reply.meta.code);
    return forget_question(found);
  }
  breaker_.answered();
  const std::uint32_t cloud = reply.meta.queue_us + reply.meta.compute_us;
  const std::uint32_t wire = took > cloud ? took - cloud : 0;
  estimate_.answered(question.bytes, wire, cloud);
  compare(question, reply.data);
  wire::PredictReply meta;
  meta.by_cloud = true;
  meta.version = reply.meta.version;
  meta.wire_us = wire;
  meta.queue_us = reply.meta.queue_us;
  meta.compute_us = reply.meta.compute_us;
  const bool late = question.delivered && !question.audit;
  if (late) {
    ++statistics_.late;
  } else if (!question.audit) {
    statistics_.wire.add(wire);
    statistics_.queue.add(reply.meta.queue_us);
    ++statistics_.by_cloud;
    deliver(question, meta, reply.data);
  }
  if (labels_ != nullptr) keep_label(question, std::move(meta), late, reply.data);
  forget_question(found);
}

// Takes the example from the question.
void EdgeService::keep_label(Question& question, wire::PredictReply meta, bool late,
                             Bytes outputs) {
  if (question.request.data.empty()) return labels_->drop();  // there was no room to keep it
  if (std::exchange(question.kept, false)) kept_bytes_ -= question.body.size();
  CloudLabel label;
  label.body = std::move(question.body);
  label.request = std::move(question.request);
  label.outputs = floats(outputs);
  label.late = late;
  label.meta = std::move(meta);
  label.meta.hard = question.judgement && question.judgement->hard;
  label.meta.score = question.judgement ? question.judgement->score : 0;
  label.meta.total_us = microseconds(Clock::now() - question.came);
  labels_->add(std::move(label));
}

// What the edge said, and what the cloud says: without labels the only measure of the edge's
// errors.
void EdgeService::compare(const Question& question, Bytes outputs) {
  if (form_.classes == 0) return;
  for (std::size_t i = question.stages.size(); i-- > 0;) {
    const Stage& stage = question.stages[i];
    if (!stage.predicted) continue;
    const bool differs = most_likely(stage.outputs) != most_likely(floats(outputs));
    if (question.audit) {
      ++statistics_.audited;
      statistics_.audit_disagreed += differs;
    } else {
      ++statistics_.compared;
      statistics_.disagreed += differs;
    }
    return;
  }
}

// The cloud is there, or is not: what is wrong with this one question says nothing of others.
void EdgeService::reply_of_no_use(Question& question, const std::string& code) {
  static constexpr std::string_view kAway[] = {"cloud.unavailable", "overloaded",
                                               "deadline.exceeded", "service.unknown"};
  if (std::find(std::begin(kAway), std::end(kAway), code) != std::end(kAway))
    return missed(question);
  breaker_.answered();
  fall_back(question);
}

// The cloud's word will not come, or not in time.
void EdgeService::missed(Question& question) {
  const auto now = Clock::now();
  if (breaker_.missed(now, question.asked))
    log_warn(
        fmt::format("service {}: the cloud does not answer; the edge answers alone, and tries "
                    "again now and then",
                    settings_.service));
  ++statistics_.missed;
  estimate_.missed(question.bytes, microseconds(now - question.asked));
  if (!question.audit) fall_back(question);
}

void EdgeService::fall_back(Question& question) {
  if (!settings_.fallback)
    return refuse(question, "cloud.unavailable", "the cloud did not answer in time");
  answer_alone(question, true);
}

// With what the last model says that has answered; the first has to where none has.
void EdgeService::answer_alone(Question& question, bool fallback) {
  std::size_t stage = question.stages.size();
  while (stage > 0 && !question.stages[stage - 1].predicted) --stage;
  if (stage == 0) {
    // The features in hand may be another question's by now.
    Status done = features_of(question.request, form_, payload_, features_.data());
    if (done) done = predict(question, 0);
    if (!done) return refuse(question, "model.failed", done.error().message);
    stage = 1;
  }
  statistics_.fallbacks += fallback;
  ++statistics_.by_edge;
  const Stage& said = question.stages[stage - 1];
  wire::PredictReply meta;
  meta.fallback = fallback;
  meta.compute_us = said.compute_us;
  deliver(question, std::move(meta), std::as_bytes(std::span(said.outputs)));
}

void EdgeService::audit_perhaps(Question question) {
  if (settings_.audit <= 0 || !settings_.cloud || breaker_.state() != Breaker::State::closed)
    return;
  const double draw = static_cast<double>(random_() >> 11) * 0x1.0p-53;
  if (draw >= settings_.audit) return;
  question.audit = true;
  const auto now = Clock::now();
  encode_perhaps(question, now);
  question.due = now + kRemember;
  send_to_cloud(std::move(question));
}

}  // namespace skerry::runtime
