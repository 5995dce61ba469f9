#include "core/wire/codec.hpp"
#include "skerry_fbs/task_generated.h"

namespace skerry::wire {
namespace {

constexpr std::uint64_t kMaxDeadlineMs = std::uint64_t{10} * 365 * 24 * 3600 * 1000;

template <class Table>
std::optional<TaskKey> key_in(std::span<const std::byte> payload) {
  Reader reader(payload, "task", kMaxTables);
  const auto* from = reader.root<Table>();
  if (from == nullptr) return std::nullopt;
  auto key = reader.finish(reader.key(from->key()));
  return key ? std::optional(std::move(*key)) : std::nullopt;
}

}  // namespace

template <>
std::string encode(const StartTask& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  const auto kind = b.CreateString(m.kind);
  const auto params = b.CreateString(m.params);
  const auto plan = b.CreateString(m.plan);
  const auto inputs = encode_artifacts(b, m.inputs);
  const auto attachments = encode_artifacts(b, m.attachments);
  return finish(b, fbs::CreateStartTask(b, key, kind, params, plan, inputs, attachments,
                                        m.deadline_ms, m.serves.version, m.serves.replica));
}

template <>
Result<StartTask> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "start_task", kMaxTables);
  StartTask m;
  if (const auto* from = reader.root<fbs::StartTask>()) {
    m.key = reader.key(from->key());
    m.kind = reader.id(from->kind(), "kind");
    m.params = reader.text(from->params(), "params");
    m.plan = reader.text(from->plan(), "plan");
    m.inputs = reader.artifacts(from->inputs(), "inputs");
    m.attachments = reader.artifacts(from->attachments(), "attachments");
    m.deadline_ms = from->deadline_ms();
    m.serves = {from->serves(), from->replica()};
    if (m.deadline_ms > kMaxDeadlineMs) reader.refuse("deadline_ms", "is longer than ten years");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const StopTask& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  const auto reason = b.CreateString(m.reason);
  return finish(b, fbs::CreateStopTask(b, key, reason));
}

template <>
Result<StopTask> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "stop_task", kMaxTables);
  StopTask m;
  if (const auto* from = reader.root<fbs::StopTask>()) {
    m.key = reader.key(from->key());
    m.reason = reader.message(from->reason(), "reason");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const ForgetJob& m) {
  Builder b;
  const auto job = b.CreateString(m.job);
  return finish(b, fbs::CreateForgetJob(b, job));
}

template <>
Result<ForgetJob> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "forget_job", kMaxTables);
  ForgetJob m;
  if (const auto* from = reader.root<fbs::ForgetJob>()) m.job = reader.id(from->job(), "job");
  return reader.finish(std::move(m));
}

template <>
std::string encode(const TaskRefused& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  const auto code = b.CreateString(m.code);
  const auto message = b.CreateString(m.message);
  return finish(b, fbs::CreateTaskRefused(b, key, code, message));
}

template <>
Result<TaskRefused> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "task_refused", kMaxTables);
  TaskRefused m;
  if (const auto* from = reader.root<fbs::TaskRefused>()) {
    m.key = reader.key(from->key());
    m.code = reader.optional_id(from->code(), "code");
    m.message = reader.message(from->message(), "message");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const TaskFinished& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  const auto metrics = encode_metrics(b, m.metrics);
  const auto outputs = encode_artifacts(b, m.outputs);
  const auto result = b.CreateString(m.result);
  const auto& t = m.timing;
  const fbs::Timing timing(t.queue, t.download, t.run, t.upload, t.cpu);
  const auto plan = encode_digest(m.plan);
  std::vector<Offset<fbs::Input>> inputs;
  for (const auto& [name, digest] : m.inputs) {
    const auto encoded = encode_digest(digest);
    inputs.push_back(fbs::CreateInput(b, b.CreateString(name), &encoded));
  }
  return finish(b, fbs::CreateTaskFinished(b, key, metrics, outputs, result, &timing, m.bytes_down,
                                           m.bytes_up, &plan, b.CreateVector(inputs)));
}

template <>
Result<TaskFinished> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "task_finished", kMaxTables);
  TaskFinished m;
  if (const auto* from = reader.root<fbs::TaskFinished>()) {
    m.key = reader.key(from->key());
    m.metrics = reader.metrics(from->metrics(), "metrics");
    m.outputs = reader.artifacts(from->outputs(), "outputs");
    m.result = reader.text(from->result(), "result");
    if (const auto* t = from->timing()) {
      m.timing = {t->queue(), t->download(), t->run(), t->upload(), t->cpu()};
    }
    m.bytes_down = from->bytes_down();
    m.bytes_up = from->bytes_up();
    m.plan = reader.digest(from->plan(), "plan");
    if (reader.count(from->inputs(), "inputs")) {
      for (const auto* input : *from->inputs())
        m.inputs[reader.id(input->name(), "inputs")] = reader.digest(input->digest(), "inputs");
    }
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const TaskFailed& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  const auto code = b.CreateString(m.code);
  const auto field = b.CreateString(m.field);
  const auto message = b.CreateString(m.message);
  return finish(b, fbs::CreateTaskFailed(b, key, code, field, message));
}

template <>
Result<TaskFailed> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "task_failed", kMaxTables);
  TaskFailed m;
  if (const auto* from = reader.root<fbs::TaskFailed>()) {
    m.key = reader.key(from->key());
    m.code = reader.optional_id(from->code(), "code");
    m.field = reader.message(from->field(), "field");
    m.message = reader.message(from->message(), "message");
  }
  return reader.finish(std::move(m));
}

std::optional<TaskKey> readable_key(Type type, std::span<const std::byte> payload) {
  if (type == Type::task_finished) return key_in<fbs::TaskFinished>(payload);
  if (type == Type::task_failed) return key_in<fbs::TaskFailed>(payload);
  return std::nullopt;
}

template <>
std::string encode(const TaskReported& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  const auto metrics = encode_metrics(b, m.metrics);
  return finish(b, fbs::CreateTaskReported(b, key, m.progress, metrics, m.left_out));
}

template <>
Result<TaskReported> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "task_reported", kMaxTables);
  TaskReported m;
  if (const auto* from = reader.root<fbs::TaskReported>()) {
    m.key = reader.key(from->key());
    m.progress = from->progress();
    m.metrics = reader.metrics(from->metrics(), "metrics");
    m.left_out = from->left_out();
  }
  return reader.finish(std::move(m));
}

}  // namespace skerry::wire
