#include "core/runtime/serving/serve.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/runtime/crash_report.hpp"
#include "core/runtime/serving/cloud_service.hpp"
#include "core/runtime/serving/edge_service.hpp"
#include "core/runtime/serving/feed.hpp"

namespace skerry::runtime {
namespace {

constexpr auto kReportEvery = std::chrono::seconds(2);
// What has not changed: reports get lost, and a cloud takes one of a task in 5 s.
constexpr auto kRepeatFirst = std::chrono::seconds(6), kRepeatEvery = std::chrono::seconds(10);

std::string text(const Json& from, const char* member) {
  return from.value(member, std::string());
}

InputForm form_of(const Json& settings) {
  const Json& input = settings.at("input");
  InputForm form;
  form.shape = input.at("shape").get<std::vector<std::int64_t>>();
  form.classes = input.value("classes", 0U);
  form.scale = input.value("scale", form.scale);
  return form;
}

// The host has told it to, and wants no answer.
[[noreturn]] void end_process() {
  flush_log();
  std::_Exit(EXIT_SUCCESS);
}

class Server {
 public:
  Server(const ServeRequest& request, const Json& settings)
      : request_(request), settings_(settings), form_(form_of(settings)) {}

  Status run() {
    if (form_.shape.size() >= SKERRY_MAX_DIMS || wire::elements_of(form_.shape) == 0)
      return fail(
          Code::invalid_argument,
          fmt::format("found the shape [{}]; an example has 1 to {} dimensions and at most "
                      "{} elements",
                      fmt::join(form_.shape, ", "), SKERRY_MAX_DIMS - 1, wire::kMaxPredictData),
          {}, "input.shape");
    const std::string role = text(settings_, "role");
    if (role == "feed") return feed();
    return role == "cloud" ? serve_cloud() : serve_edge();
  }

 private:
  Result<ServedModel> model(const Json& from) {
    SKERRY_ASSIGN(const Instance* estimator,
                  request_.job.features().open_slot(text(from, "estimator"), "estimator/1"));
    const std::vector<skerry_named_tensor>* weights = nullptr;
    if (const std::string input = text(from, "model"); !input.empty()) {
      SKERRY_TRY(check_input(input));
      SKERRY_ASSIGN(weights, request_.tensors(input));
    }
    return ServedModel::open(*estimator, form_, request_.job.plan().seed, weights);
  }

  // A disk loses bits: what serves is what its digest says.
  Status check_input(const std::string& name) {
    for (const wire::TaskInput& input : request_.task.inputs)
      if (input.name == name) return check_inputs({&input}, 1);
    return {};
  }

  Result<EdgeStage> stage(const Json& from) {
    SKERRY_ASSIGN(auto served, model(from));
    EdgeStage stage{std::move(served), std::nullopt};
    const std::string slot = text(from, "filter");
    if (slot.empty()) return stage;
    SKERRY_ASSIGN(const Instance* filter, request_.job.features().open_slot(slot, "sampling/1"));
    std::optional<double> threshold;
    if (from.contains("threshold")) threshold = from["threshold"].get<double>();
    SKERRY_ASSIGN(stage.filter, ServedFilter::open(*filter, form_.shape, threshold));
    return stage;
  }

  Status serve_edge() {
    SKERRY_ASSIGN(const Instance* strategy,
                  request_.job.features().open_slot(text(settings_, "strategy"), "inference/1"));
    std::vector<EdgeStage> stages;
    for (const Json& each : settings_.at("stages")) {
      SKERRY_ASSIGN(auto opened, stage(each));
      stages.push_back(std::move(opened));
    }
    SKERRY_ASSIGN(const auto payload, this->payload());
    const ServedPayload* const decodes = payload ? &*payload : nullptr;
    SKERRY_ASSIGN(auto labels, this->labels(decodes));
    EdgeSettings edge;
    edge.service = service();
    edge.version = request_.task.serves.version;
    randombytes_buf(&edge.session, sizeof edge.session);
    edge.cloud = settings_.value("cloud", true);
    edge.deadline = std::chrono::microseconds(settings_.value("deadlineUs", std::int64_t{100'000}));
    edge.fallback = text(settings_, "fallback") != "reject";
    edge.always_encode = text(settings_, "payloadWhen") == "always";
    edge.audit = settings_.value("audit", 0.0);
    edge.seed = request_.job.plan().seed;
    const std::uint64_t session = edge.session;
    EdgeService service(*request_.link, *strategy, std::move(stages), form_, std::move(edge),
                        decodes, labels ? &*labels : nullptr);
    SKERRY_TRY(service.check());
    SKERRY_TRY(take_seat(session, EdgeService::kCredit));
    const auto metrics = [&] { return service.statistics().metrics(); };
    const EndsGently end;  // labels are to be written
    service.run([&] { return request_.stop() || end.told(); }, [&] { tell(metrics); });
    request_.report(metrics());
    if (end.told()) end_process();
    return {};
  }

  Status serve_cloud() {
    SKERRY_ASSIGN(const auto served, model(settings_));
    const Json batch = settings_.value("batch", Json::object());
    BatchLimits limits;
    limits.most = std::max(1U, batch.value("most", limits.most));
    limits.delay = std::chrono::microseconds(batch.value("delayUs", limits.delay.count()));
    SKERRY_ASSIGN(const auto payload, this->payload());
    CloudService service(*request_.link, served, form_, limits, request_.task.serves.version,
                         payload ? &*payload : nullptr);
    std::uint64_t session = 0;
    randombytes_buf(&session, sizeof session);
    SKERRY_TRY(take_seat(session, service.credit()));
    const auto metrics = [&] { return service.statistics().metrics(); };
    service.run(request_.stop, [&] { tell(metrics); });
    request_.report(metrics());
    return {};
  }

  // It asks, and has no seat.
  Status feed() {
    std::vector<Feed::Source> sources;
    for (const Json& slot : settings_.at("sources")) {
      const auto place = slot.get<std::string>();
      SKERRY_ASSIGN(const Instance* source, request_.job.features().open_slot(place, "source/1"));
      sources.push_back({source, place});
    }
    std::vector<ServedSink> sinks;
    for (const Json& slot : settings_.at("sinks")) {
      SKERRY_ASSIGN(auto opened, sink(slot.get<std::string>()));
      sinks.push_back(std::move(opened));
    }
    SKERRY_ASSIGN(auto client, client::Client::over(*request_.link));
    Feed feed(std::move(client), service(), form_, sources, std::move(sinks), {});
    const auto metrics = [&] { return feed.metrics(); };
    const EndsGently end;  // sinks are to be closed
    const Status done =
        feed.run([&] { return request_.stop() || end.told(); }, [&] { tell(metrics); });
    request_.report(metrics());
    if (end.told()) end_process();
    // Only sources that are at their end finish the task.
    if (done && request_.stop()) return fail(Code::cancelled, "stopped by the host");
    return done;
  }

  std::string service() const {
    const std::string& job = request_.task.key.job;
    return job.substr(0, job.rfind('.'));
  }

  Result<ServedSink> sink(const std::string& slot) {
    SKERRY_ASSIGN(const Instance* sink, request_.job.features().open_slot(slot, "sink/1"));
    auto opened = ServedSink::open(*sink, form_);
    if (!opened) return fail(in_place(slot, opened.error()));
    return opened;
  }

  Result<std::optional<ServedPayload>> payload() {
    const std::string slot = text(settings_, "payload");
    if (slot.empty()) return std::optional<ServedPayload>();
    SKERRY_ASSIGN(const Instance* payload, request_.job.features().open_slot(slot, "payload/1"));
    return std::optional(ServedPayload(*payload, form_.shape));
  }

  Result<std::optional<KeptLabels>> labels(const ServedPayload* payload) {
    const std::string slot = text(settings_, "labels");
    if (slot.empty()) return std::optional<KeptLabels>();
    SKERRY_ASSIGN(auto opened, sink(slot));
    return std::optional(KeptLabels(std::move(opened), form_, service(), payload));
  }

  Status take_seat(std::uint64_t session, std::uint32_t credit) {
    request_.link->send(
        wire::frame(0, 0, 0, wire::TakeSeat{request_.task.ticket, session, credit}));
    log_info(fmt::format("version {} is ready to serve", request_.task.serves.version));
    return {};
  }

  // Now and then: what has changed, and less often what has not.
  template <class Metrics>
  void tell(const Metrics& metrics_of) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + kReportEvery;
    auto metrics = metrics_of();
    const bool news = metrics != told_;
    if (!news && now < repeat_) return;
    repeat_ = now + (news ? kRepeatFirst : kRepeatEvery);
    told_ = metrics;
    request_.report(std::move(metrics));
  }

  const ServeRequest& request_;
  const Json& settings_;
  const InputForm form_;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now(), repeat_ = next_;
  std::map<std::string, double> told_;
};

}  // namespace

Status serve(const ServeRequest& request, const Json& settings) try {
  if (request.link == nullptr || !request.task.serves)
    return fail(Code::failed_precondition,
                "this task was not started to serve; its workflow must set TaskStart::serves");
  SKERRY_TRY(Server(request, settings).run());
  // The host ends this worker once it is told that the task is done.
  request.link->finish();
  return {};
} catch (const Json::exception& error) {
  return fail(Code::invalid_argument,
              std::string("the settings of what serves are malformed: ") + error.what());
}

}  // namespace skerry::runtime
