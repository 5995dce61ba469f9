#include "core/wire/codec.hpp"
#include "skerry_fbs/worker_generated.h"

namespace skerry::wire {
namespace {

using InputVector = TableVector<fbs::TaskInput>;
using OutputVector = TableVector<fbs::TaskOutput>;

Offset<InputVector> encode_inputs(Builder& b, const std::vector<TaskInput>& inputs) {
  std::vector<Offset<fbs::TaskInput>> out;
  for (const auto& input : inputs) {
    const auto name = b.CreateString(input.name);
    const auto digest = b.CreateString(input.digest);
    const auto path = b.CreateString(input.path);
    const auto data = encode_bytes(b, input.data);
    out.push_back(fbs::CreateTaskInput(b, name, digest, path, data));
  }
  return b.CreateVector(out);
}

std::vector<TaskInput> read_inputs(Reader& reader, const InputVector* from, const char* field) {
  std::vector<TaskInput> out;
  if (!reader.count(from, field, kMaxLocalEntries)) return out;
  for (const auto* entry : *from) {
    TaskInput input;
    input.name = reader.id(entry->name(), field);
    input.digest = reader.text(entry->digest(), field);
    input.path = reader.text(entry->path(), field);
    input.data = reader.bytes(entry->data(), field);
    if (!input.digest.empty() && !Digest::from_hex(input.digest)) {
      reader.refuse(field, "has a digest that is not 64 lower-case hex digits");
    }
    if (!input.path.empty() && !input.data.empty()) {
      reader.refuse(field, "has both a path and data");
    }
    out.push_back(std::move(input));
  }
  return out;
}

Offset<OutputVector> encode_outputs(Builder& b, const std::vector<TaskOutput>& outputs) {
  std::vector<Offset<fbs::TaskOutput>> out;
  for (const auto& output : outputs) {
    const auto name = b.CreateString(output.name);
    const auto path = b.CreateString(output.path);
    const auto data = encode_bytes(b, output.data);
    const auto digest = encode_digest(output.digest);
    out.push_back(fbs::CreateTaskOutput(b, name, &digest, output.size, path, data));
  }
  return b.CreateVector(out);
}

std::vector<TaskOutput> read_outputs(Reader& reader, const OutputVector* from) {
  std::vector<TaskOutput> out;
  if (!reader.count(from, "outputs")) return out;
  for (const auto* entry : *from) {
    TaskOutput output;
    output.name = reader.id(entry->name(), "outputs");
    output.digest = reader.digest(entry->digest(), "outputs");
    output.size = entry->size();
    output.path = reader.text(entry->path(), "outputs");
    output.data = reader.bytes(entry->data(), "outputs");
    if (output.path.empty() && output.data.size() != output.size) {
      reader.refuse("outputs", "has data of another length than its size");
    }
    if (!output.path.empty() && !output.data.empty()) {
      reader.refuse("outputs", "has both a path and data");
    }
    out.push_back(std::move(output));
  }
  return out;
}

using StringVector = TableVector<flatbuffers::String>;

std::vector<std::string> read_texts(Reader& reader, const StringVector* from, const char* field) {
  std::vector<std::string> out;
  if (!reader.count(from, field, kMaxLocalEntries)) return out;
  for (const auto* entry : *from) out.push_back(reader.text(entry, field));
  return out;
}

auto encode_plugins(Builder& b, const std::vector<JobPlugin>& plugins) {
  std::vector<flatbuffers::Offset<fbs::JobPlugin>> entries;
  for (const auto& plugin : plugins)
    entries.push_back(fbs::CreateJobPluginDirect(b, plugin.kind.c_str(), plugin.id.c_str(),
                                                 plugin.digest.c_str(), plugin.file.c_str(),
                                                 plugin.copy.c_str()));
  return b.CreateVector(entries);
}

std::vector<JobPlugin> read_plugins(Reader& reader, const TableVector<fbs::JobPlugin>* from) {
  std::vector<JobPlugin> out;
  if (!reader.count(from, "plugins", kMaxLocalEntries)) return out;
  for (const auto* entry : *from)
    out.push_back({reader.text(entry->kind(), "plugins"), reader.text(entry->id(), "plugins"),
                   reader.text(entry->digest(), "plugins"), reader.text(entry->file(), "plugins"),
                   reader.text(entry->copy(), "plugins")});
  return out;
}

}  // namespace

template <>
std::string encode(const WorkerHello& m) {
  Builder b;
  const auto id = b.CreateString(m.id);
  return finish(b, fbs::CreateWorkerHello(b, id, m.pid));
}

template <>
Result<WorkerHello> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "worker_hello", kMaxTables);
  WorkerHello m;
  if (const auto* from = reader.root<fbs::WorkerHello>()) {
    m.id = reader.id(from->id(), "id");
    m.pid = from->pid();
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const RunTask& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  const auto node = b.CreateString(m.node);
  const auto kind = b.CreateString(m.kind);
  const auto params = b.CreateString(m.params);
  const auto plan = b.CreateString(m.plan);
  const auto output_dir = b.CreateString(m.output_dir);
  const auto inputs = encode_inputs(b, m.inputs);
  const auto attachments = encode_inputs(b, m.attachments);
  const auto plugins = encode_plugins(b, m.plugins);
  return finish(
      b, fbs::CreateRunTask(b, key, node, kind, params, plan, output_dir, inputs, attachments,
                            plugins, m.deadline_ms, m.serves.version, m.serves.replica, m.ticket));
}

template <>
Result<RunTask> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "run_task", kMaxLocalTables);
  RunTask m;
  if (const auto* from = reader.root<fbs::RunTask>()) {
    m.key = reader.key(from->key());
    m.node = reader.node(from->node(), "node");
    m.kind = reader.id(from->kind(), "kind");
    m.params = reader.text(from->params(), "params");
    m.plan = reader.text(from->plan(), "plan");
    m.output_dir = reader.text(from->output_dir(), "output_dir");
    m.inputs = read_inputs(reader, from->inputs(), "inputs");
    m.attachments = read_inputs(reader, from->attachments(), "attachments");
    m.plugins = read_plugins(reader, from->plugins());
    m.deadline_ms = from->deadline_ms();
    m.serves = {from->serves(), from->replica()};
    m.ticket = from->ticket();
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const CancelTask& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  return finish(b, fbs::CreateCancelTask(b, key));
}

template <>
Result<CancelTask> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "cancel_task", kMaxTables);
  CancelTask m;
  if (const auto* from = reader.root<fbs::CancelTask>()) m.key = reader.key(from->key());
  return reader.finish(std::move(m));
}

template <>
std::string encode(const TaskProgress& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  const auto metrics = encode_metrics(b, m.metrics);
  return finish(b, fbs::CreateTaskProgress(b, key, m.progress, metrics));
}

template <>
Result<TaskProgress> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "task_progress", kMaxLocalTables);
  TaskProgress m;
  if (const auto* from = reader.root<fbs::TaskProgress>()) {
    m.key = reader.key(from->key());
    m.progress = from->progress();
    m.metrics = reader.metrics(from->metrics(), "metrics");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const TaskDone& m) {
  Builder b;
  const auto key = encode_key(b, m.key);
  const auto code = b.CreateString(m.code);
  const auto field = b.CreateString(m.field);
  const auto message = b.CreateString(m.message);
  const auto metrics = encode_metrics(b, m.metrics);
  const auto result = b.CreateString(m.result);
  const auto outputs = encode_outputs(b, m.outputs);
  const auto plugins = b.CreateVectorOfStrings(m.plugins);
  return finish(b, fbs::CreateTaskDone(b, key, m.ok, code, field, message, metrics, result, outputs,
                                       m.run_seconds, m.cpu_seconds, plugins));
}

template <>
Result<TaskDone> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "task_done", kMaxLocalTables);
  TaskDone m;
  if (const auto* from = reader.root<fbs::TaskDone>()) {
    m.key = reader.key(from->key());
    m.ok = from->ok();
    m.code = reader.optional_id(from->code(), "code");
    m.field = reader.message(from->field(), "field");
    m.message = reader.message(from->message(), "message");
    m.metrics = reader.metrics(from->metrics(), "metrics");
    m.result = reader.text(from->result(), "result");
    m.outputs = read_outputs(reader, from->outputs());
    m.run_seconds = from->run_seconds();
    m.cpu_seconds = from->cpu_seconds();
    m.plugins = read_texts(reader, from->plugins(), "plugins");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const DecideRequest& m) {
  Builder b;
  const auto job = b.CreateString(m.job);
  const auto plan = b.CreateString(m.plan);
  const auto state = b.CreateString(m.state);
  const auto events = b.CreateVectorOfStrings(m.events);
  const auto plugins = encode_plugins(b, m.plugins);
  return finish(b, fbs::CreateDecideRequest(b, job, plan, state, events, plugins));
}

template <>
Result<DecideRequest> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "decide_request", kMaxTables);
  DecideRequest m;
  if (const auto* from = reader.root<fbs::DecideRequest>()) {
    m.job = reader.id(from->job(), "job");
    m.plan = reader.text(from->plan(), "plan");
    m.state = reader.text(from->state(), "state");
    m.events = read_texts(reader, from->events(), "events");
    m.plugins = read_plugins(reader, from->plugins());
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const DecideReply& m) {
  Builder b;
  const auto job = b.CreateString(m.job);
  const auto code = b.CreateString(m.code);
  const auto message = b.CreateString(m.message);
  const auto state = b.CreateString(m.state);
  const auto commands = b.CreateString(m.commands);
  return finish(b, fbs::CreateDecideReply(b, job, m.ok, code, message, state, commands));
}

template <>
Result<DecideReply> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "decide_reply", kMaxTables);
  DecideReply m;
  if (const auto* from = reader.root<fbs::DecideReply>()) {
    m.job = reader.id(from->job(), "job");
    m.ok = from->ok();
    m.code = reader.optional_id(from->code(), "code");
    m.message = reader.message(from->message(), "message");
    m.state = reader.text(from->state(), "state");
    m.commands = reader.text(from->commands(), "commands");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const Shutdown&) {
  Builder b;
  return finish(b, fbs::CreateShutdown(b));
}

template <>
Result<Shutdown> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "shutdown", kMaxTables);
  reader.root<fbs::Shutdown>();
  return reader.finish(Shutdown{});
}

}  // namespace skerry::wire
