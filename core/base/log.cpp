#include "core/base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <vector>

namespace skerry {
namespace {

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%e %-5l %n: %v";

std::shared_ptr<spdlog::logger> console_logger() {
  auto logger = std::make_shared<spdlog::logger>(
      "skerry", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_level(spdlog::level::warn);
  logger->set_pattern(kPattern);
  return logger;
}

std::shared_ptr<spdlog::logger>& current() {
  static std::shared_ptr<spdlog::logger> logger = console_logger();
  return logger;
}

Result<spdlog::level::level_enum> level_from(const std::string& name) {
  if (name == "debug") return spdlog::level::debug;
  if (name == "info") return spdlog::level::info;
  if (name == "warn") return spdlog::level::warn;
  if (name == "error") return spdlog::level::err;
  if (name == "off") return spdlog::level::off;
  return fail(Code::invalid_argument,
              fmt::format("log level \"{}\" is not known; allowed are debug, info, warn, error and "
                          "off",
                          name));
}

void log(spdlog::level::level_enum level, std::string_view text) {
  // As an argument, never as the format: the text may hold braces.
  current()->log(level, "{}", text);
}

}  // namespace

Status init_log(const LogOptions& options) {
  const auto level = level_from(options.level);
  if (!level) return fail(level.error());
  std::vector<spdlog::sink_ptr> sinks;
  try {
    if (options.console) sinks.push_back(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    if (!options.file.empty()) {
      sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
          options.file.string(), options.max_bytes, options.old_files));
    }
  } catch (const spdlog::spdlog_ex& error) {
    return fail(Code::failed_precondition, fmt::format("cannot open the log: {}", error.what()),
                options.file.string());
  }
  auto logger = std::make_shared<spdlog::logger>(options.name, sinks.begin(), sinks.end());
  logger->set_level(*level);
  logger->set_pattern(kPattern);
  // A process that is killed keeps its lines: each is written out at once.
  logger->flush_on(spdlog::level::debug);
  current() = std::move(logger);
  return {};
}

void log_debug(std::string_view text) {
  log(spdlog::level::debug, text);
}
void log_info(std::string_view text) {
  log(spdlog::level::info, text);
}
void log_warn(std::string_view text) {
  log(spdlog::level::warn, text);
}
void log_error(std::string_view text) {
  log(spdlog::level::err, text);
}
bool log_debug_enabled() {
  return current()->should_log(spdlog::level::debug);
}
void flush_log() {
  current()->flush();
}

}  // namespace skerry
