#include "core/runtime/serving/edge_service.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/serving/microseconds.hpp"
#include "core/runtime/serving/outputs.hpp"

namespace skerry::runtime {
namespace {

constexpr auto kTick = std::chrono::milliseconds(100);
constexpr int kMostSteps = 64;
constexpr auto kShort = std::chrono::milliseconds(1);
// The answer has to reach the asker by the deadline: so much before it, it leaves.
constexpr std::chrono::microseconds kLeastReserve{300}, kMostReserve{4000};
constexpr int kReserveShare = 20;                  // of the time that there is
constexpr std::size_t kMostRemembered = 4096;      // questions whose answer may come too late
constexpr std::size_t kMostBytesKept = 64u << 20;  // of their examples, for labels

}  // namespace

EdgeService::EdgeService(wire::LocalLink& link, const Instance& strategy,
                         std::vector<EdgeStage> stages, InputForm form, EdgeSettings settings,
                         const ServedPayload* payload, KeptLabels* labels)
    : link_(link),
      strategy_(strategy),
      stages_(std::move(stages)),
      form_(std::move(form)),
      settings_(std::move(settings)),
      payload_(payload),
      labels_(labels),
      breaker_(settings_.breaker),
      random_(settings_.seed),
      features_(form_.elements()),
      view_(stages_.size()) {}

void EdgeService::run(const std::function<bool()>& stop, const std::function<void()>& tick) {
  auto next_tick = Clock::now();
  while (!stop() && !(retired_ && all_delivered() && !link_.wait(Clock::now()))) {
    if (const auto now = Clock::now(); now >= next_tick) {
      next_tick = now + kTick;
      note_state();
      tick();
    }
    if (new_.empty() && !link_.wait(Clock::now())) be_idle(next_tick);
    answer_due({});
    if (!new_.empty()) begin_next();
  }
  if (labels_ != nullptr) labels_->finish();
  note_state();
}

void EdgeService::note_state() {
  statistics_.breaker = static_cast<int>(breaker_.state());
  if (labels_ == nullptr) return;
  statistics_.labels_kept = labels_->written();
  statistics_.labels_dropped = labels_->dropped();
}

// Writes a label, or waits for what comes.
void EdgeService::be_idle(Clock::time_point until) {
  quiet_ = Clock::now();
  if (labels_ != nullptr && labels_->write_one(next_due(quiet_ + kTick))) return;
  link_.wait(next_due(until));
  quiet_ = Clock::now();
}

// What the cloud says is attended to before the next question is: somebody waits for it already.
void EdgeService::take_all() {
  while (auto frame = link_.take()) {
    switch (frame->header.type) {
      case wire::Type::retire:
        retired_ = true;
        break;
      case wire::Type::predict_request:
        new_.push_back({std::move(*frame), quiet_});
        break;
      case wire::Type::predict_reply:
        if (frame->header.session != settings_.session) break;
        if (const auto reply = wire::parse_reply(frame->payload))
          cloud_answered(frame->header.seq, *reply);
        break;
      default:
        break;
    }
  }
  quiet_ = Clock::now();
}

// While the models are busy with one question, nothing is delivered: others that are due by then
// are answered before.
void EdgeService::begin_next() {
  if (busy_ > kShort) answer_due(busy_);
  const auto began = Clock::now();
  New next = std::move(new_.front());
  new_.pop_front();
  begin(std::move(next));
  busy_ = std::max(Clock::now() - began, busy_ * 7 / 8);
}

void EdgeService::begin(New next) {
  Question question;
  question.header = next.frame.header;
  question.body = std::move(next.frame.body);
  question.came = next.came;
  auto request = wire::parse_request(next.frame.payload);
  if (!request) return refuse(question, "request.malformed", request.error().message);
  question.request = std::move(*request);
  question.bytes = question.request.data.size();
  const auto patience = question.request.meta.patience_us > 0
                            ? std::chrono::microseconds(question.request.meta.patience_us)
                            : settings_.deadline;
  question.due =
      question.came + patience - std::clamp(patience / kReserveShare, kLeastReserve, kMostReserve);
  const auto began = Clock::now();
  if (const auto read = features_of(question.request, form_, payload_, features_.data()); !read)
    return refuse(question, read.error().field, read.error().message);
  question.reading = Clock::now() - began;
  if (const auto label = question.request.meta.label; form_.classes > 0 && label >= form_.classes)
    return refuse(question, "label.mismatch",
                  fmt::format("found the label {}; the classes of this service are 0 to {}", label,
                              form_.classes - 1));
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

// ---- deadlines

EdgeService::Clock::time_point EdgeService::next_due(Clock::time_point latest) const {
  return due_.empty() ? latest : std::min(latest, due_.begin()->first);
}

bool EdgeService::all_delivered() const {
  return new_.empty() && std::all_of(waiting_.begin(), waiting_.end(),
                                     [](const auto& entry) { return entry.second.delivered; });
}

// The cloud's word that has come goes before: a fallback may have to predict, which takes a while.
void EdgeService::answer_due(Clock::duration ahead) {
  for (take_all(); !due_.empty() && due_.begin()->first <= Clock::now() + ahead; take_all()) {
    const std::uint64_t number = due_.begin()->second;
    due_.erase(due_.begin());
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) continue;  // answered
    Question& question = found->second;
    const bool forget = question.delivered || question.audit || waiting_.size() > kMostRemembered;
    if (!question.delivered) missed(question);
    if (forget) {
      forget_question(found);
      continue;
    }
    keep_or_forget_example(question);
    due_.emplace(Clock::now() + kRemember, number);
  }
}

// It is answered, and the cloud's word is still to come.
void EdgeService::keep_or_forget_example(Question& question) {
  question.kept = labels_ != nullptr && kept_bytes_ + question.body.size() <= kMostBytesKept;
  if (question.kept)
    kept_bytes_ += question.body.size();
  else
    question.forget_example();
}

void EdgeService::forget_question(Waiting::iterator question) {
  if (question->second.kept) kept_bytes_ -= question->second.body.size();
  waiting_.erase(question);
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
