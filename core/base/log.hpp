// Logging. spdlog's headers stay in log.cpp; callers build the text with fmt::format.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace skerry {

struct LogOptions {
  std::string name;            // the process or node, in every line
  std::filesystem::path file;  // appended to; empty: none
  // Before it outgrows this, host.log becomes host.1.log, that one host.2.log; the oldest goes.
  std::size_t max_bytes = 16u << 20;
  std::size_t old_files = 3;
  std::string level = "info";  // debug, info, warn, error, off
  bool console = true;         // standard error, from `level` on
};

// Before it, warnings and errors go to standard error. Not from two threads at once.
Status init_log(const LogOptions& options);

// Any thread.
void log_debug(std::string_view text);
void log_info(std::string_view text);
void log_warn(std::string_view text);
void log_error(std::string_view text);
bool log_debug_enabled();
void flush_log();

}  // namespace skerry
