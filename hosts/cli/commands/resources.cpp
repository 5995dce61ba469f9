// apply, get, describe, delete.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "core/base/file.hpp"
#include "core/config/yaml_writer.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/operator.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/round_table.hpp"
#include "hosts/cli/view/terminal.hpp"
#include "hosts/cli/view/text_table.hpp"

namespace skerry::cli {
namespace {

constexpr std::chrono::milliseconds kSlow{60'000};
constexpr std::chrono::milliseconds kFiles{600'000};  // large ones may go with a job
constexpr std::size_t kMostText = 1 << 20;

void put(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

std::string number_text(const Json& item, std::string_view path) {
  const auto value = number_at(item, path);
  return value ? format_number(*value) : "-";
}

std::string metrics_text(const Json& item) {
  std::string text;
  const Json metrics = item.value("metrics", Json::object());
  for (const std::string& name : metric_names(metrics)) {
    text += (text.empty() ? "" : " ") + name + "=" + number_text(metrics, name);
  }
  return text.empty() ? "-" : text;
}

std::string jobs_table(const Json& items) {
  TextTable table(
      {{"NAME"}, {"KIND"}, {"PHASE"}, {"ROUNDS", true}, {"METRICS"}, {"TIME", true}, {"MESSAGE"}});
  for (const Json& job : items) {
    table.add({text_at(job, "name"), text_at(job, "kind"), text_at(job, "phase"),
               number_text(job, "rounds"), metrics_text(job),
               format_seconds(number_at(job, "elapsedSeconds").value_or(0)),
               shorten(text_at(job, "message"), 60)});
  }
  return table.text();
}

std::string nodes_table(const Json& items) {
  TextTable table(
      {{"NAME"}, {"STATE"}, {"TASKS", true}, {"LAST SEEN"}, {"JOINED"}, {"KEY"}, {"MESSAGE"}});
  for (const Json& node : items) {
    const auto seen = number_at(node, "lastSeenSeconds");
    table.add({text_at(node, "name"), text_at(node, "state"), number_text(node, "tasks"),
               seen ? format_seconds(*seen) + " ago" : "-", text_at(node, "joined", "-"),
               text_at(node, "key", "-").substr(0, 16), shorten(text_at(node, "message"), 100)});
  }
  return table.text();
}

std::string models_table(const Json& items) {
  TextTable table(
      {{"JOB"}, {"VERSION", true}, {"SIZE", true}, {"METRICS"}, {"DIGEST"}, {"CREATED"}});
  for (const Json& model : items) {
    table.add({text_at(model, "name"), number_text(model, "version"),
               format_size(number_at(model, "size").value_or(0)), metrics_text(model),
               text_at(model, "digest").substr(0, 16), text_at(model, "createdAt")});
  }
  return table.text();
}

std::string names_table(const Json& items) {
  TextTable table({{"NAME"}, {"CREATED"}});
  for (const Json& item : items)
    table.add({text_at(item, "name"), text_at(item, "createdAt", "-")});
  return table.text();
}

std::string items_table(const std::string& kind, const Json& items) {
  if (items.empty()) return "no " + kind + "s\n";
  if (kind == "job") return jobs_table(items);
  if (kind == "node") return nodes_table(items);
  if (kind == "model") return models_table(items);
  return names_table(items);
}

std::string describe_rounds(const Json& records) {
  RoundTable table;
  std::string text;
  for (const Json& record : records) {
    const std::string header = table.header(record);
    if (!header.empty()) text += header + "\n";
    text += table.line(record) + "\n";
  }
  return text;
}

// Finished tasks are many and tell nothing; the others are why one looks.
std::string describe_tasks(const Json& tasks) {
  TextTable table({{"TASK"}, {"NODE"}, {"KIND"}, {"STATE"}, {"DONE", true}, {"MESSAGE"}});
  int finished = 0;
  for (const Json& task : tasks) {
    if (text_at(task, "state") == "finished") {
      ++finished;
      continue;
    }
    table.add({text_at(task, "task"), text_at(task, "node"), text_at(task, "kind"),
               text_at(task, "state"),
               fmt::format("{:.0f}%", number_at(task, "progress").value_or(0) * 100),
               text_at(task, "message")});
  }
  return (table.empty() ? "" : table.text()) + fmt::format("{} finished\n", finished);
}

std::string describe_conditions(const Json& conditions) {
  TextTable table({{"AT"}, {"TYPE"}, {"REASON"}, {"MESSAGE"}});
  for (const Json& condition : conditions) {
    table.add({text_at(condition, "at"), text_at(condition, "type"), text_at(condition, "reason"),
               text_at(condition, "message")});
  }
  return table.empty() ? "" : table.text();
}

std::string section(const std::string& title, const std::string& text) {
  return text.empty() ? "" : "\n" + title + "\n" + text;
}

void show_job(const Json& job) {
  Json head = job;
  for (const char* part : {"plan", "records", "tasks", "conditions", "plugins"}) head.erase(part);
  put(printable(config::to_yaml(head)));
  put(section("Rounds", describe_rounds(job.value("records", Json::array()))));
  put(section("Tasks", describe_tasks(job.value("tasks", Json::array()))));
  put(section("Conditions", describe_conditions(job.value("conditions", Json::array()))));
  if (job.contains("plan")) put(section("Plan", printable(config::to_yaml(job["plan"]))));
}

void show_applied(const Json& reply) {
  for (const Json& entry : reply.value("applied", Json::array())) {
    put(printable(fmt::format("{} {} {}\n", text_at(entry, "kind"), text_at(entry, "name"),
                              text_at(entry, "action"))));
  }
}

}  // namespace

int apply_command(const Operator& who, const std::filesystem::path& file,
                  std::optional<int> nodes) {
  const auto text = read_file(file, kMostText);
  if (!text) return complain(text.error(), who.json, kBadInput);
  const Json body{{"text", *text},
                  {"file", std::filesystem::absolute(file).lexically_normal().string()},
                  {"nodes", nodes ? Json(*nodes) : Json(nullptr)}};
  return with_cloud(who, [&](AdminClient& cloud) -> int {
    const auto reply = cloud.call("apply", body, kFiles);
    if (!reply) {
      const Code code = reply.error().front().code;
      const bool ours = code == Code::invalid_argument || code == Code::not_found;
      return complain(reply.error(), who.json, ours ? kBadInput : kFailed);
    }
    who.json ? print_json(*reply) : show_applied(*reply);
    return kOk;
  });
}

int get_command(const Operator& who, const std::string& kind, const std::string& name) {
  const std::string one = singular_kind(kind);
  if (one.empty()) return kBadInput;
  Json body{{"kind", one + "s"}};
  if (!name.empty()) body["name"] = name;
  return ask(who, {"get", body}, [&](const Json& reply) {
    put(items_table(one, reply.value("items", Json::array())));
    put(section("Conditions", describe_conditions(reply.value("conditions", Json::array()))));
  });
}

int describe_command(const Operator& who, const std::string& kind, const std::string& name) {
  const std::string one = singular_kind(kind);
  if (one.empty()) return kBadInput;
  return ask(who, {"describe", {{"kind", one}, {"name", name}}}, [&](const Json& reply) {
    one == "job" ? show_job(reply) : put(printable(config::to_yaml(reply)));
  });
}

int delete_command(const Operator& who, const std::string& kind, const std::string& name) {
  const std::string one = singular_kind(kind);
  if (one.empty()) return kBadInput;
  return ask(who, {"delete", {{"kind", one}, {"name", name}}, kSlow},
             [&](const Json&) { put(printable(one + " " + name + " deleted\n")); });
}

}  // namespace skerry::cli
