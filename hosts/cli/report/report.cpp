#include "hosts/cli/report/report.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "core/version.hpp"
#include "hosts/cli/report/html.hpp"
#include "hosts/cli/report/participation.hpp"
#include "hosts/cli/report/sections.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {

extern const std::string_view kReportPage;  // of report/page.html, made by the build

namespace {

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return fmt::format("{:%Y-%m-%d %H:%M %Z}", local);
}

std::string badge(const std::string& phase) {
  const bool good = phase == "Succeeded";
  const char* look = good ? "good" : phase == "Stopped" ? "warn" : "bad";
  const char* sign = good ? "✓" : phase == "Stopped" ? "■" : "✕";
  return fmt::format("<span class=\"badge {}\"><b aria-hidden=\"true\">{}</b> {}</span>", look,
                     sign, escape_html(phase));
}

std::string model_card(const Json& summary) {
  const Json model = summary.value("model", Json());
  if (!model.is_object()) return {};
  return card(
      "Model",
      fmt::format(
          "<p class=\"model\"><code>{}</code><br><small>BLAKE2b-256 <code>{}</code></small></p>"
          "<p class=\"note\">Open it in Python: "
          "<code>safetensors.numpy.load_file(\"{}\")</code></p>",
          escape_html(text_at(model, "path")), escape_html(text_at(model, "digest")),
          escape_html(std::string("model.safetensors"))));
}

std::string details(const std::string& title, const std::string& content) {
  if (content.empty()) return {};
  return element("details", "class=\"card\"", element("summary", "", escape_html(title)) + content);
}

}  // namespace

std::string render_report(const ReportInput& input) {
  const Json& summary = input.summary;
  const std::string message = text_at(summary, "message");
  const std::string charts = charts_section(input.records);
  return fill_template(
      kReportPage,
      {{"title", escape_html(text_at(summary, "job"))},
       {"badge", badge(text_at(summary, "phase"))},
       {"message", message.empty() ? "" : element("p", "class=\"message\"", escape_html(message))},
       {"made", escape_html(fmt::format("Skerry {}, {}", kVersion, now_text()))},
       {"tiles", tiles_section(summary)},
       {"charts", charts.empty() ? "" : element("div", "class=\"charts\"", charts)},
       {"time", card("Where the time went", time_section(summary),
                     "Seconds of the run from the command to the job's end. Parts of a round are "
                     "those that the round waited for.")},
       {"nodes", card("Who took part", participation_grid(input.records))},
       {"rounds", details("All rounds", rounds_section(input.records))},
       {"model", model_card(summary)},
       {"plugins", card("Plugins", plugins_section(input),
                        "What the job's workers loaded: with the same files and the same job, the "
                        "run can be repeated.")},
       {"conditions", details("Events", conditions_section(input.description))},
       {"job", input.job_text.empty() ? ""
                                      : details("Job: " + input.job_file,
                                                element("pre", "", escape_html(input.job_text)))}});
}

}  // namespace skerry::cli
