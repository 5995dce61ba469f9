#include <fmt/format.h>

#include <cstdio>

#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/operator.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"
#include "hosts/cli/view/text_table.hpp"

namespace skerry::cli {
namespace {

std::string head(const Json& status) {
  return fmt::format(
      "skerry-cloud {} (pid {:.0f}) at {}\nup {} since {}\n{:.0f} of {:.0f} nodes online, {:.0f} "
      "of {:.0f} jobs running\n",
      text_at(status, "version"), number_at(status, "pid").value_or(0), text_at(status, "endpoint"),
      format_seconds(number_at(status, "upSeconds").value_or(0)), text_at(status, "startedAt"),
      number_at(status, "nodes/online").value_or(0), number_at(status, "nodes/total").value_or(0),
      number_at(status, "jobs/running").value_or(0), number_at(status, "jobs/total").value_or(0));
}

// Whatever the cloud counts: a newer one may count more.
std::string counters_table(const Json& counters) {
  TextTable table({{"SINCE THE START"}, {""}, {"COUNT", true}});
  for (const auto& [group, values] : counters.items()) {
    for (const auto& [name, value] : values.items()) {
      const double number = value.is_number() ? value.get<double>() : 0;
      table.add({group, name,
                 name.starts_with("bytes") ? format_size(number) : fmt::format("{:.0f}", number)});
    }
  }
  return table.text();
}

void show(const Json& status) {
  std::string text = head(status);
  for (const Json& condition : status.value("conditions", Json::array()))
    text += fmt::format("{}: {}\n", text_at(condition, "type"), text_at(condition, "message"));
  text += "\n" + counters_table(status.value("counters", Json::object()));
  std::fputs(printable(text).c_str(), stdout);
}

}  // namespace

int status_command(const Operator& who) {
  return ask(who, {"status", Json::object()}, show);
}

}  // namespace skerry::cli
