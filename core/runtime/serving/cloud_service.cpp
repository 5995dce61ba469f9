#include "core/runtime/serving/cloud_service.hpp"

#include <algorithm>

#include "core/runtime/serving/microseconds.hpp"

namespace skerry::runtime {
namespace {

constexpr auto kTick = std::chrono::milliseconds(100);

}  // namespace

CloudService::CloudService(wire::LocalLink& link, const ServedModel& model, InputForm form,
                           BatchLimits limits, std::uint64_t version, const ServedPayload* payload)
    : link_(link),
      model_(model),
      payload_(payload),
      form_(std::move(form)),
      limits_(limits),
      version_(version) {
  features_.resize(limits_.most * form_.elements());
}

void CloudService::run(const std::function<bool()>& stop, const std::function<void()>& tick) {
  auto next_tick = Clock::now();
  while (!stop() && !(retired_ && waiting_.empty() && !link_.wait(Clock::now()))) {
    if (const auto now = Clock::now(); now >= next_tick) {
      next_tick = now + kTick;
      tick();
    }
    if (!link_.wait(next_tick)) continue;
    gather(Clock::now() + limits_.delay);
    answer_batch();
  }
}

// Nobody waits for company that does not come: as many as the last batch had are worth a wait.
void CloudService::gather(Clock::time_point until) {
  while (waiting_.size() < limits_.most) {
    const bool worth = waiting_.size() < last_batch_;
    if (!link_.wait(worth && !waiting_.empty() ? until : Clock::now())) break;
    if (auto frame = link_.take()) accept(std::move(*frame));
    if (waiting_.empty()) continue;
    const Waiting& newest = waiting_.back();  // half of its time is for its answer
    until = std::min(until, newest.came + (newest.until - newest.came) / 2);
  }
}

void CloudService::accept(wire::LocalLink::Frame frame) {
  if (frame.header.type == wire::Type::retire) retired_ = true;
  if (frame.header.type != wire::Type::predict_request) return;
  const auto now = Clock::now();
  Waiting question{std::move(frame), {}, now, now};
  auto request = wire::parse_request(question.frame.payload);
  if (!request) return reply(question, refusal("request.malformed", request.error().message), {});
  question.request = std::move(*request);
  question.until = now + std::chrono::microseconds(question.request.meta.patience_us);
  waiting_.push_back(std::move(question));
}

// What is past its time, or is not what the model takes, does not enter the batch.
void CloudService::answer_batch() {
  last_batch_ = std::max<std::size_t>(1, waiting_.size());
  std::vector<const Waiting*> batch;
  const auto now = Clock::now();
  for (const Waiting& question : waiting_) {
    if (question.until <= now) {
      ++statistics_.expired;
      reply(question, refusal("deadline.exceeded", "the question was too old to be answered"), {});
      continue;
    }
    const auto read = features_of(question.request, form_, payload_,
                                  features_.data() + batch.size() * form_.elements());
    if (read)
      batch.push_back(&question);
    else
      reply(question, refusal(read.error().field, read.error().message), {});
  }
  if (!batch.empty()) answer(batch);
  waiting_.clear();
}

// One example that the model cannot take must not cost the others their answers.
void CloudService::answer(const std::vector<const Waiting*>& batch) {
  const auto began = Clock::now();
  const Status predicted = model_.predict(features_.data(), batch.size(), outputs_);
  if (!predicted && batch.size() > 1) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      std::copy_n(features_.begin() + static_cast<std::ptrdiff_t>(i * form_.elements()),
                  form_.elements(), features_.begin());
      answer({batch[i]});
    }
    return;
  }
  const std::uint32_t took = microseconds(Clock::now() - began);
  ++statistics_.batches;
  statistics_.compute.add(took);
  const std::size_t width = outputs_.size() / batch.size();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!predicted) {
      reply(*batch[i], refusal("model.failed", predicted.error().message), {});
      continue;
    }
    wire::PredictReply meta;
    meta.queue_us = microseconds(began - batch[i]->came);
    meta.compute_us = took;
    statistics_.queue.add(meta.queue_us);
    reply(*batch[i], std::move(meta), std::as_bytes(std::span(outputs_).subspan(i * width, width)));
  }
}

void CloudService::reply(const Waiting& question, wire::PredictReply meta, Bytes outputs) {
  ++statistics_.requests;
  meta.code.empty() ? ++statistics_.by_cloud : ++statistics_.refused;
  meta.by_cloud = true;
  meta.version = version_;
  const wire::Header& header = question.frame.header;
  link_.send(wire::frame_reply(header.session, header.seq, meta, outputs));
}

}  // namespace skerry::runtime
