#include "core/runtime/serving/served_sink.hpp"

#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/serving/features.hpp"

namespace skerry::runtime {

skerry_outcome outcome_of(const skerry_item& item, const wire::PredictReply& said,
                          const std::vector<float>& outputs) {
  skerry_outcome outcome{};
  outcome.struct_size = sizeof outcome;
  outcome.item = &item;
  outcome.service = outcome.source = "";
  outcome.code = said.code.c_str();
  outcome.message = said.message.c_str();
  outcome.outputs = outputs.data();
  outcome.count = static_cast<std::uint32_t>(outputs.size());
  outcome.by_cloud = said.by_cloud;
  outcome.hard = said.hard;
  outcome.fallback = said.fallback;
  outcome.score = said.score;
  outcome.version = said.version;
  outcome.total_us = said.total_us;
  outcome.wire_us = said.wire_us;
  outcome.queue_us = said.queue_us;
  outcome.compute_us = said.compute_us;
  return outcome;
}

Result<ServedSink> ServedSink::open(const Instance& sink, const InputForm& form) {
  const skerry_service_form plain = service_form(form);
  const auto calling = sink.calling("open");
  SKERRY_TRY(call(sink.who(), [&](skerry_error* error) {
    return sink.as<skerry_sink_v1>().open(sink.get(), &plain, error);
  }));
  return ServedSink(sink);
}

Status ServedSink::write(const skerry_outcome& outcome) const {
  const auto calling = sink_->calling("write");
  return call(sink_->who(), [&](skerry_error* error) {
    return sink_->as<skerry_sink_v1>().write(sink_->get(), &outcome, error);
  });
}

Status ServedSink::close() const {
  const auto& functions = sink_->as<skerry_sink_v1>();
  if (!SKERRY_HAS(skerry_sink_v1, &functions, close) || functions.close == nullptr) return {};
  const auto calling = sink_->calling("close");
  return call(sink_->who(),
              [&](skerry_error* error) { return functions.close(sink_->get(), error); });
}

}  // namespace skerry::runtime
