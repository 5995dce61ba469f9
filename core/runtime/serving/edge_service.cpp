#include "core/runtime/serving/edge_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"

namespace skerry::runtime {
namespace {

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr int kMostSteps = 64;
// The answer has to reach the asker by the deadline: so much before it, it leaves.
constexpr std::chrono::microseconds kLeastReserve{300}, kMostReserve{4000};
constexpr int kReserveShare = 20;  // of the time that there is
// How long an answer that came too late is still compared with the edge's.
constexpr std::chrono::seconds kRemember{10};
constexpr std::size_t kMostRemembered = 4096;

std::uint32_t microseconds(std::chrono::steady_clock::duration time) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

std::int64_t most_likely(std::span<const float> outputs) {
  return std::max_element(outputs.begin(), outputs.end()) - outputs.begin();
}

// Copied: they lie anywhere in a frame.
std::vector<float> floats(Bytes data) {
  std::vector<float> values(data.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), data.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace

EdgeService::EdgeService(wire::LocalLink& link, const Instance& strategy,
                         std::vector<EdgeStage> stages, InputForm form, EdgeSettings settings)
    : link_(link),
      strategy_(strategy),
      stages_(std::move(stages)),
      form_(std::move(form)),
      settings_(std::move(settings)),
      breaker_(settings_.breaker),
      random_(settings_.seed),
      features_(form_.elements()),
      view_(stages_.size()) {}

void EdgeService::run(const std::function<bool()>& stop, const std::function<void()>& tick) {
  auto next_tick = Clock::now();
  while (!stop() && !(retired_ && all_delivered() && !link_.wait(Clock::now()))) {
    if (const auto now = Clock::now(); now >= next_tick) {
      next_tick = now + kTick;
      statistics_.breaker = static_cast<int>(breaker_.state());
      tick();
    }
    if (link_.wait(next_due(next_tick)))
      if (auto frame = link_.take()) accept(std::move(*frame));
    answer_due();
  }
}

void EdgeService::accept(wire::LocalLink::Frame frame) {
  switch (frame.header.type) {
    case wire::Type::retire:
      retired_ = true;
      return;
    case wire::Type::predict_request:
      return begin(std::move(frame));
    case wire::Type::predict_reply:
      if (frame.header.session != settings_.session) return;
      if (const auto reply = wire::parse_reply(frame.payload))
        cloud_answered(frame.header.seq, *reply);
      return;
    default:
      return;
  }
}

void EdgeService::begin(wire::LocalLink::Frame frame) {
  Question question;
  question.header = frame.header;
  question.body = std::move(frame.body);
  question.came = Clock::now();
  auto request = wire::parse_request(frame.payload);
  if (!request) return refuse(question, "request.malformed", request.error().message);
  question.request = std::move(*request);
  question.bytes = question.request.data.size();
  const auto patience = question.request.meta.patience_us > 0
                            ? std::chrono::microseconds(question.request.meta.patience_us)
                            : settings_.deadline;
  question.due =
      question.came + patience - std::clamp(patience / kReserveShare, kLeastReserve, kMostReserve);
  if (const auto read = features_of(question.request, form_, features_.data()); !read)
    return refuse(question, read.error().field, read.error().message);
  question.stages.resize(stages_.size());
  decide(std::move(question));
}

// ---- what the strategy says

// Both ways that a question can go, with nothing asked in earnest.
Status EdgeService::check() {
  SKERRY_TRY(check_walk(true));
  return check_walk(false);
}

Status EdgeService::check_walk(bool hard) {
  std::fill(view_.begin(), view_.end(), skerry_stage{});
  Question question;
  question.due = Clock::now() + settings_.deadline;
  for (int i = 0; i < kMostSteps; ++i) {
    SKERRY_ASSIGN(const skerry_step step, next_step(question));
    skerry_stage& stage = view_[step.stage];
    if (step.action == SKERRY_STEP_ASK || step.action == SKERRY_STEP_ANSWER) return {};
    if (step.action == SKERRY_STEP_PREDICT) {
      stage.predicted = 1;
      continue;
    }
    const auto& filter = stages_[step.stage].filter;
    if (!filter)
      return fail(Code::invalid_argument,
                  fmt::format("{} needs a filter; give edge[{}] one", strategy_.who(), step.stage));
    if (filter->needs_predictions() && stage.predicted == 0)
      return fail(Code::invalid_argument,
                  fmt::format("{} asks the filter before the model has answered, and the filter of "
                              "edge[{}] needs the model's answer; choose one that looks at the "
                              "example, or another strategy",
                              strategy_.who(), step.stage));
    stage.judged = 1;
    stage.hard = hard ? 1 : 0;
  }
  return fail(Code::internal, strategy_.who() + " comes to no end with a question");
}

void EdgeService::decide(Question question) {
  std::fill(view_.begin(), view_.end(), skerry_stage{});
  for (int i = 0; i < kMostSteps; ++i) {
    const auto step = next_step(question);
    if (!step) return refuse(question, "model.failed", step.error().message);
    Status done;
    switch (step->action) {
      case SKERRY_STEP_PREDICT:
        done = predict(question, step->stage);
        break;
      case SKERRY_STEP_JUDGE:
        done = judge(question, step->stage);
        break;
      case SKERRY_STEP_ASK:
        ++statistics_.hard;
        return ask_cloud(std::move(question));
      default: {
        const Stage& said = question.stages[step->stage];
        wire::PredictReply meta;
        meta.compute_us = said.compute_us;
        ++statistics_.by_edge;
        deliver(question, std::move(meta), std::as_bytes(std::span(said.outputs)));
        return audit_perhaps(std::move(question));
      }
    }
    if (!done) return refuse(question, "model.failed", done.error().message);
  }
  refuse(question, "model.failed", strategy_.who() + " comes to no end with a question");
}

Result<skerry_step> EdgeService::next_step(const Question& question) {
  const auto left = question.due - Clock::now();
  const skerry_question plain{sizeof plain, static_cast<std::uint32_t>(view_.size()), view_.data(),
                              left.count() > 0 ? microseconds(left) : 0};
  skerry_step step{};
  const auto calling = strategy_.calling("next");
  SKERRY_TRY(call(strategy_.who(), [&](skerry_error* error) {
    return strategy_.as<skerry_inference_v1>().next(strategy_.get(), &plain, &step, error);
  }));
  const bool known = step.action <= SKERRY_STEP_ANSWER && step.stage < view_.size();
  if (!known || (step.action == SKERRY_STEP_ANSWER && view_[step.stage].predicted == 0))
    return fail(Code::internal, fmt::format("{} gave a step that cannot be taken: {} of stage {}",
                                            strategy_.who(), step.action, step.stage));
  return step;
}

Status EdgeService::predict(Question& question, std::uint32_t index) {
  Stage& stage = question.stages[index];
  const auto began = Clock::now();
  SKERRY_TRY(stages_[index].model.predict(features_.data(), 1, stage.outputs));
  stage.compute_us = microseconds(Clock::now() - began);
  statistics_.compute.add(stage.compute_us);
  stage.predicted = true;
  view_[index].predicted = 1;
  return {};
}

Status EdgeService::judge(Question& question, std::uint32_t index) {
  const auto& filter = stages_[index].filter;
  if (!filter)
    return fail(Code::invalid_argument,
                fmt::format("{} wants a filter at stage {}, and the job names none",
                            strategy_.who(), index));
  const Stage& stage = question.stages[index];
  if (filter->needs_predictions() && !stage.predicted)
    return fail(Code::internal,
                fmt::format("{} asks the filter of stage {} before the model has answered, and it "
                            "needs the model's answer",
                            strategy_.who(), index));
  SKERRY_ASSIGN(question.judgement,
                filter->judge(features_.data(), stage.predicted ? &stage.outputs : nullptr));
  view_[index].judged = 1;
  view_[index].hard = question.judgement->hard ? 1 : 0;
  view_[index].score = question.judgement->score;
  return {};
}

// ---- the cloud

void EdgeService::ask_cloud(Question question) {
  const auto now = Clock::now();
  const auto expected = estimate_.expect(question.bytes);
  const bool too_slow =
      expected && breaker_.state() == Breaker::State::closed &&
      now + std::chrono::microseconds(static_cast<std::int64_t>(*expected)) > question.due;
  // One in a while goes nevertheless, or nobody would learn that the link has become faster.
  const bool goes = settings_.cloud && (!too_slow || random_() % 32 == 0) && breaker_.admit(now);
  if (!goes) {
    ++statistics_.spared;
    return fall_back(question);
  }
  send_to_cloud(std::move(question));
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
  link_.send(wire::frame_request(settings_.session, number, meta, question.request.data));
  if (question.audit)
    question.forget_example();
  else
    ++statistics_.offloaded;
  Clock::time_point until = question.audit ? now + kRemember : question.due;
  const bool in_hand = std::any_of(question.stages.begin(), question.stages.end(),
                                   [](const Stage& stage) { return stage.predicted; });
  // Where the edge has no answer yet, it must still have the time to find one, and the cloud as
  // much.
  if (!question.audit && !in_hand && settings_.fallback)
    until -=
        std::min<Clock::duration>(std::chrono::microseconds(2 * statistics_.compute.quantile(0.9)),
                                  std::max(left / 2, Clock::duration{}));
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
    waiting_.erase(found);
    return;
  }
  breaker_.answered();
  const std::uint32_t cloud = reply.meta.queue_us + reply.meta.compute_us;
  const std::uint32_t wire = took > cloud ? took - cloud : 0;
  estimate_.answered(question.bytes, wire, cloud);
  compare(question, reply.data);
  if (question.audit) {
    waiting_.erase(found);
    return;
  }
  if (question.delivered) {
    ++statistics_.late;
    waiting_.erase(found);
    return;
  }
  statistics_.wire.add(wire);
  statistics_.queue.add(reply.meta.queue_us);
  ++statistics_.by_cloud;
  wire::PredictReply meta;
  meta.by_cloud = true;
  meta.version = reply.meta.version;
  meta.wire_us = wire;
  meta.queue_us = reply.meta.queue_us;
  meta.compute_us = reply.meta.compute_us;
  deliver(question, std::move(meta), reply.data);
  waiting_.erase(found);
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
  std::size_t stage = question.stages.size();
  while (stage > 0 && !question.stages[stage - 1].predicted) --stage;
  if (stage == 0) {
    // The features in hand may be another question's by now.
    Status done = features_of(question.request, form_, features_.data());
    if (done) done = predict(question, 0);
    if (!done) return refuse(question, "model.failed", done.error().message);
    stage = 1;
  }
  ++statistics_.fallbacks;
  ++statistics_.by_edge;
  const Stage& said = question.stages[stage - 1];
  wire::PredictReply meta;
  meta.fallback = true;
  meta.compute_us = said.compute_us;
  deliver(question, std::move(meta), std::as_bytes(std::span(said.outputs)));
}

void EdgeService::audit_perhaps(Question question) {
  if (settings_.audit <= 0 || !settings_.cloud || breaker_.state() != Breaker::State::closed)
    return;
  const double draw = static_cast<double>(random_() >> 11) * 0x1.0p-53;
  if (draw >= settings_.audit) return;
  question.audit = true;
  question.due = Clock::now() + kRemember;
  send_to_cloud(std::move(question));
}

// ---- deadlines

EdgeService::Clock::time_point EdgeService::next_due(Clock::time_point latest) const {
  return due_.empty() ? latest : std::min(latest, due_.begin()->first);
}

bool EdgeService::all_delivered() const {
  return std::all_of(waiting_.begin(), waiting_.end(),
                     [](const auto& entry) { return entry.second.delivered; });
}

void EdgeService::answer_due() {
  const auto now = Clock::now();
  while (!due_.empty() && due_.begin()->first <= now) {
    const std::uint64_t number = due_.begin()->second;
    due_.erase(due_.begin());
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) continue;  // answered
    Question& question = found->second;
    const bool forget = question.delivered || question.audit || waiting_.size() > kMostRemembered;
    if (!question.delivered) missed(question);
    if (forget) {
      waiting_.erase(found);
      continue;
    }
    question.forget_example();
    due_.emplace(now + kRemember, number);
  }
}

// ---- answers

void EdgeService::deliver(Question& question, wire::PredictReply meta, Bytes outputs) {
  if (std::exchange(question.delivered, true)) return;
  ++statistics_.requests;
  meta.hard = question.judgement && question.judgement->hard;
  meta.score = question.judgement ? question.judgement->score : 0;
  if (!meta.by_cloud) meta.version = settings_.version;
  meta.total_us = microseconds(Clock::now() - question.came);
  statistics_.total.add(meta.total_us);
  if (!outputs.empty()) count_label(question, most_likely(floats(outputs)));
  link_.send(wire::frame_reply(question.header.session, question.header.seq, meta, outputs));
}

void EdgeService::refuse(Question& question, std::string code, const std::string& message) {
  if (std::exchange(question.delivered, true)) return;
  ++statistics_.requests;
  ++statistics_.refused;
  link_.send(wire::frame_reply(question.header.session, question.header.seq,
                               refusal(std::move(code), message), {}));
}

void EdgeService::count_label(const Question& question, std::int64_t said) {
  const std::int64_t label = question.request.meta.label;
  if (label < 0 || form_.classes == 0) return;
  ++statistics_.labelled;
  statistics_.right += said == label;
  for (std::size_t i = question.stages.size(); i-- > 0;) {
    if (!question.stages[i].predicted) continue;
    ++statistics_.edge_known;
    statistics_.edge_right += most_likely(question.stages[i].outputs) == label;
    return;
  }
}

}  // namespace skerry::runtime
