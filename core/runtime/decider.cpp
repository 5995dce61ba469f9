#include "core/runtime/decider.hpp"

#include <fmt/format.h>

#include <exception>

#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/base/units.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/sink.hpp"
#include "core/wire/envelope.hpp"

namespace skerry::runtime {
namespace {

constexpr const char* kNode = "cloud";  // where workflows run
// With room for the rest of its frame, which the host would not take if it were larger.
constexpr std::size_t kMostOfReply = wire::kLocalLimit - (std::size_t{1} << 20);

Status append(Json& commands, const std::string& text, const Instance& workflow) {
  if (text.empty()) return {};
  const auto more = parse_json(text);
  if (!more || !more->is_array())
    return fail(Code::internal, fmt::format("{} gave commands that are no JSON array: {}",
                                            workflow.who(), text.substr(0, 80)));
  commands.insert(commands.end(), more->begin(), more->end());
  return {};
}

}  // namespace

wire::DecideReply Decider::decide(const wire::DecideRequest& request) {
  wire::DecideReply reply{.job = request.job};
  Status status;
  try {
    status = decide(request, reply);
  } catch (const std::exception& exception) {
    status = fail(Code::internal, exception.what());
  }
  reply.ok = status.has_value();
  if (!status) {
    reply.state.clear();
    reply.commands.clear();
    reply.code = status_name(to_abi(status.error().code));
    reply.message = status.error().text();
    log_error(fmt::format("job {}: no decision ({}): {}", request.job, reply.code, reply.message));
  }
  return reply;
}

Status Decider::decide(const wire::DecideRequest& request, wire::DecideReply& reply) {
  SKERRY_ASSIGN(Job * job, job_.open(request.plan, kNode));
  for (const auto& plugin : request.plugins) job->features().pin(plugin);
  SKERRY_ASSIGN(const Instance* workflow,
                job->features().open_feature("workflow/1", job->plan().workflow));
  std::string state = request.state;
  Json commands = Json::array();
  for (const auto& event : request.events) {
    StringSink new_state, new_commands;
    const auto calling = workflow->calling("decide");
    SKERRY_TRY(call(workflow->who(), [&](skerry_error* error) {
      return workflow->as<skerry_workflow_v1>().decide(workflow->get(), abi_bytes(state),
                                                       abi_bytes(event), new_state.get(),
                                                       new_commands.get(), error);
    }));
    SKERRY_TRY(append(commands, new_commands.text(), *workflow));
    state = std::move(new_state.text());
  }
  reply.state = std::move(state);
  reply.commands = dump_json(commands);
  if (reply.state.size() + reply.commands.size() <= kMostOfReply) return {};
  return fail(
      Code::failed_precondition,
      fmt::format(
          "{} answered with {} of state and {} of commands; together they may have {}. What "
          "is large belongs into artifacts, which a state names by their digests",
          workflow->who(), format_bytes(reply.state.size()), format_bytes(reply.commands.size()),
          format_bytes(kMostOfReply)));
}

}  // namespace skerry::runtime
