#include "core/runtime/task_context.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/base/try.hpp"
#include "core/runtime/aggregation_driver.hpp"
#include "core/runtime/serving/serve.hpp"

namespace skerry::runtime {
namespace {

constexpr auto kProgressInterval = std::chrono::milliseconds(250);

void discard(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!file.empty()) std::filesystem::remove(file, ignored);
}

Result<AggregationSource> source_of(const wire::TaskInput& input, std::vector<InputFile>& files) {
  SKERRY_ASSIGN(auto file, InputFile::open(input));
  files.push_back(std::move(file));
  return AggregationSource{input.name, files.back().bytes(), files.back().mapped()};
}

// A small output travels in the message rather than as a file.
Result<wire::TaskOutput> output_of(std::string_view name, const AggregationResult& result,
                                   const std::filesystem::path& file) {
  wire::TaskOutput output{.name = std::string(name), .digest = result.digest, .size = result.size};
  if (result.size > wire::kInlineBlobLimit) {
    output.path = file.string();
    return output;
  }
  SKERRY_ASSIGN(output.data, read_file(file));
  discard(file);
  return output;
}

}  // namespace

TaskContext::TaskContext(Job& job, const wire::RunTask& task, std::uint64_t call_id,
                         Progress progress, wire::LocalLink* link)
    : job_(job), task_(task), call_id_(call_id), progress_(std::move(progress)), link_(link) {
  job_.set_task(this);
}

TaskContext::~TaskContext() {
  job_.set_task(nullptr);
  for (const auto& output : outputs_) discard(output.path);
  for (const auto& file : files_) discard(file);
}

std::map<std::string, double> TaskContext::metrics() const {
  std::lock_guard lock(mutex_);
  return metrics_;
}

std::vector<wire::TaskOutput> TaskContext::take_outputs() {
  return std::exchange(outputs_, {});
}

Result<const wire::TaskInput*> TaskContext::input(std::string_view name) const {
  std::string all;
  for (const auto& input : task_.inputs) {
    if (input.name == name) return &input;
    all += (all.empty() ? "" : ", ") + input.name;
  }
  return fail(Code::invalid_argument, fmt::format("this task has no input \"{}\"; it has {}", name,
                                                  all.empty() ? "none" : all));
}

std::filesystem::path TaskContext::new_file() {
  static std::atomic<std::uint64_t> count = 0;
  return std::filesystem::path(task_.output_dir) /
         fmt::format("{}-{}.safetensors", getpid(), count++);
}

Status TaskContext::check_output(std::string_view name) const {
  const auto same = [&](const auto& output) { return output.name == name; };
  if (name.empty() || std::any_of(outputs_.begin(), outputs_.end(), same))
    return fail(Code::internal,
                fmt::format("output \"{}\" was written before or has no name", name));
  return {};
}

Result<const char*> TaskContext::input_path(std::string_view name) {
  SKERRY_ASSIGN(const auto* input, this->input(name));
  if (!input->path.empty()) {
    SKERRY_TRY(check_inputs({input}, 1));
    return input->path.c_str();
  }
  if (auto found = paths_.find(name); found != paths_.end()) return found->second.c_str();
  const auto file = new_file();
  files_.push_back(file);
  SKERRY_ASSIGN(auto fd, open_file(file, O_WRONLY | O_CREAT | O_TRUNC));
  SKERRY_TRY(write_all(fd.get(), as_bytes(input->data), file));
  return paths_.emplace(name, file.string()).first->second.c_str();
}

Result<const std::vector<skerry_named_tensor>*> TaskContext::input_tensors(std::string_view name) {
  if (auto found = tensors_.find(name); found != tensors_.end()) return &found->second->views();
  SKERRY_ASSIGN(const auto* input, this->input(name));
  auto opened = InputTensors::open(*input);
  if (!opened) {
    if (opened.error().where.empty()) opened.error().where = "input " + input->name;
    return fail(std::move(opened.error()));
  }
  return &tensors_.emplace(name, std::move(*opened)).first->second->views();
}

Status TaskContext::write_tensors(std::string_view name, const skerry_named_tensor* tensors,
                                  std::uint64_t count) {
  SKERRY_TRY(check_output(name));
  SKERRY_ASSIGN(auto output, runtime::write_tensors(name, tensors, count, new_file()));
  outputs_.push_back(std::move(output));
  return {};
}

Result<const skerry_data*> TaskContext::load_data(const LoadRequest& request) {
  return job_.data().load(request);
}

Status TaskContext::aggregate(const AggregateRequest& request) {
  SKERRY_TRY(check_output(request.output));
  SKERRY_ASSIGN(const Instance* rule, job_.features().open_slot(request.slot, "aggregation/1"));
  AggregationTask task{.rule = &rule->as<skerry_aggregation_v1>(),
                       .instance = rule->get(),
                       .who = rule->who(),
                       .feature = rule,
                       .updates = request.updates,
                       .output = new_file(),
                       .threads = job_.threads(),
                       .cancelled = [this] { return job_.cancelled(call_id_); }};
  std::vector<InputFile> files;
  std::vector<const wire::TaskInput*> read;
  for (const auto& name : request.inputs) {
    SKERRY_ASSIGN(const auto* input, this->input(name));
    read.push_back(input);
    SKERRY_ASSIGN(auto source, source_of(*input, files));
    task.inputs.push_back(std::move(source));
  }
  if (!request.base.empty()) {
    SKERRY_ASSIGN(const auto* input, this->input(request.base));
    read.push_back(input);
    SKERRY_ASSIGN(task.base, source_of(*input, files));
  }
  SKERRY_TRY(check_inputs(read, job_.threads()));
  SKERRY_ASSIGN(const auto result, run_aggregation(task));
  SKERRY_ASSIGN(auto output, output_of(request.output, result, task.output));
  outputs_.push_back(std::move(output));
  return {};
}

Status TaskContext::serve(std::string_view settings) {
  SKERRY_ASSIGN(const Json json, parse_json(settings));
  return runtime::serve(
      {.job = job_,
       .task = task_,
       .link = link_,
       .stop = [this] { return job_.cancelled(call_id_); },
       .tensors = [this](std::string_view name) { return input_tensors(name); },
       .report =
           [this](std::map<std::string, double> metrics) {
             {
               std::lock_guard lock(mutex_);
               metrics_ = metrics;
             }
             progress_({.key = task_.key, .progress = 1, .metrics = std::move(metrics)});
           }},
      json);
}

void TaskContext::metric(std::string_view name, double value) {
  std::lock_guard lock(mutex_);
  metrics_[std::string(name)] = value;
}

void TaskContext::progress(double fraction) {
  wire::TaskProgress report{.key = task_.key, .progress = std::clamp(fraction, 0.0, 1.0)};
  {
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - last_progress_ < kProgressInterval) return;
    last_progress_ = now;
    report.metrics = metrics_;
  }
  progress_(report);
}

}  // namespace skerry::runtime
