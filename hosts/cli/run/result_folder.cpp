#include "hosts/cli/run/result_folder.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "core/base/file.hpp"
#include "core/base/json.hpp"

namespace skerry::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = "skerryResult";
constexpr const char* kSummary = "summary.json";
constexpr const char* kOurs[] = {"model.safetensors", "metrics.jsonl", "report.html", kSummary,
                                 "job.yaml",          "logs"};

bool is_ours(const fs::path& folder) {
  const auto text = read_file(folder / kSummary, 1 << 20);
  if (!text) return false;
  const auto summary = parse_json(*text);
  return summary && summary->is_object() && summary->contains(kMark);
}

void copy_if_filled(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (fs::is_regular_file(from, error) && fs::file_size(from, error) > 0) {
    fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  }
}

Status append_line(const fs::path& file, const std::string& line) {
  const auto fd = open_file(file, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (!fd) return fail(fd.error());
  return write_all(fd->get(), as_bytes(line + "\n"), file);
}

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return local;
}

}  // namespace

fs::path ResultFolder::choose(const fs::path& wanted, const std::string& job) {
  if (!wanted.empty()) return fs::absolute(wanted).lexically_normal();
  const std::string name = fmt::format("{}-{:%Y%m%d-%H%M%S}", job, local_time());
  fs::path path = fs::absolute(fs::path("skerry-out") / name);
  std::error_code error;
  for (int i = 2; fs::exists(path, error); ++i)
    path = fs::absolute(fs::path("skerry-out") / fmt::format("{}-{}", name, i));
  return path;
}

Status ResultFolder::check(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) return {};
  if (!fs::is_directory(status)) {
    return fail(Code::invalid_argument,
                "is a file, and the results need a folder; name another one", path.string(),
                "--out");
  }
  if (fs::is_empty(path, error) || is_ours(path)) return {};
  return fail(Code::invalid_argument,
              "this folder holds other files than the result of an earlier run; name an empty or a "
              "new folder",
              path.string(), "--out");
}

Result<ResultFolder> ResultFolder::claim(const fs::path& path) {
  const Status usable = check(path);
  if (!usable) return fail(usable.error());
  std::error_code error;
  fs::create_directories(path / "logs", error);
  if (error)
    return fail(Code::invalid_argument, "cannot make the folder: " + error.message(), path.string(),
                "--out");
  ResultFolder folder(path);
  const Status marked =
      folder.write(kSummary, dump_json({{kMark, 1}, {"phase", "Running"}}) + "\n");
  if (!marked) return fail(marked.error());
  for (const char* name : kOurs) {
    if (std::string_view(name) != kSummary) fs::remove_all(path / name, error);
  }
  fs::create_directories(path / "logs", error);
  const Status started = folder.write("metrics.jsonl", "");
  if (!started) return fail(started.error());
  return folder;
}

Status ResultFolder::add_record(const Json& record) {
  return append_line(path_ / "metrics.jsonl", dump_json(record));
}

void ResultFolder::log(const std::string& text) {
  const std::string line = fmt::format("{:%Y-%m-%dT%H:%M:%S} {}", local_time(), text);
  (void)append_line(path_ / "logs/run.log", line);
}

Status ResultFolder::write(const std::string& name, const std::string& text) {
  return write_file_durably(path_ / name, text, 0644);
}

void ResultFolder::keep_logs(const std::string& node, const fs::path& state) {
  const fs::path logs = path_ / "logs";
  std::error_code error;
  for (fs::directory_iterator entry(state / "log", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    copy_if_filled(entry->path(), logs / (name == "host.log" ? node + ".log" : node + "-" + name));
  }
  if (!fs::exists(logs / (node + ".log"), error))
    copy_if_filled(state / "console.log", logs / (node + ".log"));
}

std::string ResultFolder::where_logs_are_kept(std::string message, const fs::path& states) const {
  const std::string before = states.string() + "/", within = "/log/";
  const std::string after = (path_ / "logs").string() + "/";
  for (std::size_t at = 0; (at = message.find(before, at)) != message.npos; at += after.size()) {
    const auto node_end = message.find(within, at);
    if (node_end == message.npos) break;
    message.replace(node_end, within.size(), "-");
    message.replace(at, before.size(), after);
  }
  return message;
}

}  // namespace skerry::cli
