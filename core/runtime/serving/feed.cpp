#include "core/runtime/serving/feed.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/serving/features.hpp"
#include "core/runtime/tensor_types.hpp"

namespace skerry::runtime {
namespace {

using namespace std::chrono_literals;

// Examples of one source that are asked about at a time: the next ones while the cloud answers.
constexpr std::size_t kAtATime = 4;
// For all sources together, with nothing else to do.
constexpr std::chrono::microseconds kWaitForSource = 20ms;
constexpr std::chrono::microseconds kWaitForAnswer = 2ms;
constexpr auto kAskAgain = 100ms;

// Once with others, and twice alone: then it is the example that ends workers.
constexpr const char* kWorkerEnded = "worker.ended";
constexpr int kMostEnded = 3;

// The service is not ready yet, or another version is about to take its place.
bool passes(const std::string& code) {
  static constexpr std::array kPassing = {"service.unavailable", "service.unknown", "overloaded"};
  return std::find(kPassing.begin(), kPassing.end(), code) != kPassing.end();
}

bool is_plain(const skerry_tensor& tensor, std::uint8_t code, std::uint8_t bits) {
  return tensor.dtype_code == code && tensor.dtype_bits == bits && tensor.dtype_lanes == 1 &&
         tensor.strides == nullptr && tensor.device_type == SKERRY_CPU;
}

}  // namespace

Feed::Feed(client::Client client, std::string service, InputForm form,
           const std::vector<Source>& sources, std::vector<ServedSink> sinks, Limits limits)
    : client_(std::move(client)),
      service_(std::move(service)),
      form_(std::move(form)),
      sinks_(std::move(sinks)),
      limits_(limits) {
  for (const Source& each : sources) readings_.push_back({.source = each});
}

Status Feed::run(const std::function<bool()>& stop, const std::function<void()>& tick) {
  const Status done = feed(stop, tick);
  const Status closed = close();
  return done ? closed : done;
}

Status Feed::feed(const std::function<bool()>& stop, const std::function<void()>& tick) {
  SKERRY_TRY(open());
  while (!stop() && !ended()) {
    tick();
    const bool idle = !under_way();
    bool some = false;
    const auto share = kWaitForSource / static_cast<int>(readings_.size());
    for (Reading& each : readings_) {
      SKERRY_ASSIGN(const bool one, read(each, idle ? share : 0us));
      some = some || one;
    }
    auto until = Clock::now() + (some || idle ? 0us : kWaitForAnswer);
    for (; auto answer = client_.next(until); until = Clock::now()) answered(std::move(*answer));
    ask_again();
    for (Reading& each : readings_) SKERRY_TRY(deliver(each));
  }
  return {};
}

Status Feed::open() {
  const skerry_service_form plain = service_form(form_);
  for (const Reading& each : readings_) {
    const Instance& source = *each.source.instance;
    const auto calling = source.calling("open");
    const Status opened = call(source.who(), [&](skerry_error* error) {
      return source.as<skerry_source_v1>().open(source.get(), &plain, error);
    });
    if (!opened) return fail(in_place(each.source.place, opened.error()));
  }
  return {};
}

template <class Is>
bool Feed::any(Is is) const {
  return std::any_of(readings_.begin(), readings_.end(), [&](const Reading& each) {
    return std::any_of(each.under_way.begin(), each.under_way.end(), is);
  });
}

// ---- from the sources

// True: there was an example.
Result<bool> Feed::read(Reading& reading, std::chrono::microseconds timeout) {
  if (reading.ended || reading.under_way.size() >= kAtATime) return false;
  if (any([](const Asked& each) { return each.is_suspect(); })) return false;
  const Instance& source = *reading.source.instance;
  skerry_item item{};
  item.struct_size = sizeof item;
  item.seconds = std::numeric_limits<double>::quiet_NaN();
  item.label = -1;
  item.name = "";
  skerry_error error = empty_error();
  skerry_status status = SKERRY_OK;
  {
    const auto calling = source.calling("next");
    status = source.as<skerry_source_v1>().next(
        source.get(), static_cast<std::uint64_t>(timeout.count()), &item, &error);
  }
  if (status == SKERRY_RETRY) return false;
  if (status != SKERRY_OK) return fail(problem_of(status, error, source.who()));
  if (item.tensor.data == nullptr) {
    reading.ended = true;
    log_info(fmt::format("{} is at its end", reading.source.place));
    return false;
  }
  SKERRY_ASSIGN(auto asked, asked_of(reading, item));
  ask(asked);
  reading.under_way.push_back(std::move(asked));
  return true;
}

Result<Feed::Asked> Feed::asked_of(const Reading& reading, const skerry_item& item) const {
  const skerry_tensor& tensor = item.tensor;
  const bool levels = is_plain(tensor, SKERRY_UINT, 8);
  const bool fits = tensor.ndim == static_cast<std::int32_t>(form_.shape.size()) &&
                    std::equal(form_.shape.begin(), form_.shape.end(), tensor.shape);
  if (!fits || (!levels && !is_plain(tensor, SKERRY_FLOAT, 32)))
    return fail(
        Code::internal,
        fmt::format("{} gave example {} as something else than a dense tensor of shape "
                    "[{}] of uint8 or float32",
                    reading.source.instance->who(), item.number, fmt::join(form_.shape, ", ")));
  const auto form = levels ? wire::Form::uint8 : wire::Form::float32;
  const std::size_t bytes = form_.elements() * wire::element_size(form);
  if (bytes > wire::kMaxPredictData)
    return fail(
        Code::internal,
        fmt::format("{} gave example {} of {} bytes, and a question has room for {} bytes; "
                    "of uint8 it would be a quarter",
                    reading.source.instance->who(), item.number, bytes, wire::kMaxPredictData));
  Asked asked;
  asked.number = item.number;
  asked.seconds = item.seconds;
  asked.label = item.label;
  asked.name = item.name == nullptr ? "" : item.name;
  asked.form = form;
  const auto* data = static_cast<const std::byte*>(tensor.data) + tensor.byte_offset;
  asked.data.assign(data, data + bytes);
  return asked;
}

// ---- the service

void Feed::ask(Asked& asked) {
  wire::PredictRequest request;
  request.service = service_;
  request.form = asked.form;
  request.shape = form_.shape;
  request.label = asked.label;
  asked.id = client_.ask(request, asked.data);
}

void Feed::ask_again() {
  const auto now = Clock::now();
  if (now < ask_again_) return;
  ask_again_ = now + kAskAgain;
  // Any of those that a worker had when it ended may have ended it: they are asked one at a time.
  const bool alone = any([](const Asked& each) { return each.is_suspect(); });
  for (Reading& reading : readings_) {
    for (Asked& asked : reading.under_way) {
      if (asked.id != 0 || (alone && !asked.is_suspect())) continue;
      if (alone && any([](const Asked& each) { return each.is_asked(); })) return;
      ask(asked);
    }
  }
}

void Feed::answered(client::Answer answer) {
  for (Reading& reading : readings_) {
    for (Asked& asked : reading.under_way) {
      if (asked.id != answer.id) continue;
      const bool worker_ended = answer.reply.code == kWorkerEnded;
      asked.workers_ended += worker_ended;
      if (passes(answer.reply.code) || (worker_ended && asked.workers_ended < kMostEnded))
        asked.id = 0;
      else
        asked.answer = std::move(answer);
      return;
    }
  }
}

// ---- to the sinks

Status Feed::deliver(Reading& reading) {
  while (!reading.under_way.empty() && reading.under_way.front().answer &&
         Clock::now() >= reading.write_again) {
    Asked& first = reading.under_way.front();
    if (const Status written = write(reading, first); !written) {
      SKERRY_TRY(sink_failed(reading, written.error()));
      return {};
    }
    reading.sink_failing.reset();
    ++fed_;
    unanswered_ += !first.answer->reply.code.empty();
    SKERRY_TRY(done(reading, first.number));
    reading.under_way.pop_front();
  }
  return {};
}

Status Feed::write(const Reading& reading, Asked& asked) {
  const client::Answer& answer = *asked.answer;
  skerry_item item{};
  item.struct_size = sizeof item;
  item.number = asked.number;
  item.seconds = asked.seconds;
  item.label = asked.label;
  item.name = asked.name.c_str();
  item.tensor = asked.form == wire::Form::uint8
                    ? levels_view(asked.data.data(), form_.shape)
                    : view_of(reinterpret_cast<const float*>(asked.data.data()), form_.shape);
  skerry_outcome outcome = outcome_of(item, answer.reply, answer.outputs);
  outcome.service = service_.c_str();
  outcome.source = reading.source.place.c_str();
  for (; asked.sinks < sinks_.size(); ++asked.sinks) SKERRY_TRY(sinks_[asked.sinks].write(outcome));
  return {};
}

// A full disk may have room again; a sink that cannot take it never will.
Status Feed::sink_failed(Reading& reading, const Problem& problem) const {
  const auto now = Clock::now();
  if (problem.code == Code::invalid_argument) return fail(problem);
  if (!reading.sink_failing) {
    reading.sink_failing = now;
    log_warn(fmt::format("{}: a sink fails, and is tried again: {}", reading.source.place,
                         problem.text()));
  }
  reading.write_again = now + limits_.write_again;
  if (now - *reading.sink_failing > limits_.sink_may_fail) return fail(problem);
  return {};
}

Status Feed::done(const Reading& reading, std::uint64_t number) {
  const Instance& source = *reading.source.instance;
  const auto& functions = source.as<skerry_source_v1>();
  if (!SKERRY_HAS(skerry_source_v1, &functions, done) || functions.done == nullptr) return {};
  const auto calling = source.calling("done");
  return call(source.who(),
              [&](skerry_error* error) { return functions.done(source.get(), number, error); });
}

bool Feed::under_way() const {
  return std::any_of(readings_.begin(), readings_.end(),
                     [](const Reading& each) { return !each.under_way.empty(); });
}

bool Feed::ended() const {
  return std::all_of(readings_.begin(), readings_.end(),
                     [](const Reading& each) { return each.ended && each.under_way.empty(); });
}

// All of them, also where one fails at it; the first one's problem.
Status Feed::close() const {
  Status first;
  for (const ServedSink& each : sinks_)
    if (Status closed = each.close(); first && !closed) first = std::move(closed);
  return first;
}

std::map<std::string, double> Feed::metrics() const {
  return {{"fed", static_cast<double>(fed_)}, {"unanswered", static_cast<double>(unanswered_)}};
}

}  // namespace skerry::runtime
