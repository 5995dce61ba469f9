// One case in a process of its own, which a plugin may crash, end or hang.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>

#include "core/base/demangle.hpp"
#include "core/base/file.hpp"
#include "core/base/sanitizer.hpp"
#include "core/base/try.hpp"
#include "core/conformance/suite.hpp"
#include "core/runtime/call_record.hpp"
#include "core/runtime/crash_report.hpp"

namespace skerry::conformance {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr rlim_t kMemory = rlim_t{8} << 30;  // bytes of data that a case may have
constexpr std::size_t kLog = 64 * 1024;      // bytes of what it printed that are kept
constexpr std::chrono::milliseconds kGrace{2000};

// What stands between the processes.
struct Desk {
  TempDir folder;
  fs::path calls() const { return folder.path() / "calls"; }
  fs::path log() const { return folder.path() / "log"; }
};

Result<Desk> make_desk() {
  Desk desk;
  SKERRY_ASSIGN(desk.folder, TempDir::create());
  SKERRY_TRY(runtime::create_call_record(desk.calls()));
  SKERRY_TRY(write_file_durably(desk.log(), std::string_view()));
  return desk;
}

// As a worker's main prepares it.
Status prepare_child(const Desk& desk) {
  SKERRY_ASSIGN(const UniqueFd log, open_file(desk.log(), O_WRONLY | O_APPEND));
  ::dup2(log.get(), STDOUT_FILENO);
  ::dup2(log.get(), STDERR_FILENO);
  const rlimit none{0, 0}, memory{kMemory, kMemory};
  ::setrlimit(RLIMIT_CORE, &none);
  if (!kSanitized) ::setrlimit(RLIMIT_DATA, &memory);
  for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}) ::setenv(name, "2", 0);
  SKERRY_TRY(runtime::open_call_record(desk.calls()));
  runtime::record_calls_of_this_thread();
  runtime::report_crashes();
  runtime::report_crashes_of_this_thread();
  return {};
}

[[noreturn]] void be_child(const Desk& desk, int answer, const PluginFile& file, const Case& which,
                           const Options& options) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // who interrupts the parent means this one as well
  Outcome outcome;
  if (auto ready = prepare_child(desk); !ready) {
    outcome = {Verdict::failed, ready.error().text(), {}};
  } else {
    outcome = run_here(file, which, options);
  }
  std::fflush(nullptr);
  const std::string text =
      dump_json({{"verdict", static_cast<int>(outcome.verdict)}, {"message", outcome.message}}) +
      "\n";
  static_cast<void>(write_all(answer, as_bytes(text), "answer"));
  std::_Exit(EXIT_SUCCESS);
}

// What the child said, how it ended if it did, and whether that came in time. What it started may
// live on and hold its end of the pipe: an answer ends with a line.
struct Told {
  std::string answer;
  std::optional<int> status;
  bool in_time = true;
};

Told listen(int fd, pid_t child, Clock::time_point until) {
  constexpr int kLook = 20;  // milliseconds between two looks at the child
  Told told;
  std::array<char, 4096> buffer;
  while (told.answer.empty() || told.answer.back() != '\n') {
    pollfd ready{fd, POLLIN, 0};
    const int found = ::poll(&ready, 1, kLook);
    if (found > 0) {
      const ssize_t size = ::read(fd, buffer.data(), buffer.size());
      if (size > 0) told.answer.append(buffer.data(), static_cast<std::size_t>(size));
      if (size == 0) break;
    } else if (told.status) {
      break;
    }
    int status = 0;
    if (!told.status && ::waitpid(child, &status, WNOHANG) == child) told.status = status;
    if (Clock::now() >= until) {
      told.in_time = false;
      break;
    }
  }
  return told;
}

bool ended_within(pid_t child, std::chrono::milliseconds time, int& status) {
  const auto limit = Clock::now() + time;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (Clock::now() >= limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// Told to end, it says where it is; then it is ended.
int stop(pid_t child) {
  int status = 0;
  ::kill(child, SIGTERM);
  if (!ended_within(child, kGrace, status)) {
    ::kill(-child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  return status;
}

std::string place(const Desk& desk) {
  const auto calls = runtime::read_call_record(desk.calls());
  if (calls.empty()) return " outside of its functions";
  return " in " + calls.back().call + " of " + calls.back().plugin;
}

std::string log_of(const Desk& desk) {
  std::ifstream log(desk.log(), std::ios::binary | std::ios::ate);
  const auto size = static_cast<std::streamoff>(log.tellg());
  if (size <= 0) return {};
  log.seekg(std::max<std::streamoff>(0, size - static_cast<std::streamoff>(kLog)));
  std::string text;
  for (std::string line; std::getline(log, line);) text += demangled_frame(line) + "\n";
  return text;
}

std::string death(int status, const Desk& desk) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return "was ended by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")" +
           place(desk);
  }
  return "ended its process with exit status " + std::to_string(WEXITSTATUS(status)) + place(desk) +
         "; a plugin returns, or throws skerry::Error";
}

Outcome outcome_of(const std::string& answer, int status, const Desk& desk) {
  const auto told = parse_json(answer);
  if (!told) return {Verdict::failed, death(status, desk), log_of(desk)};
  return {static_cast<Verdict>(told->value("verdict", 1)), told->value("message", ""),
          log_of(desk)};
}

Outcome failed(const Problem& problem) {
  return {Verdict::failed, "the check itself failed: " + problem.text(), {}};
}

}  // namespace

Outcome run_isolated(const PluginFile& file, const Case& which, const Options& options) {
  const auto desk = make_desk();
  if (!desk) return failed(desk.error());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed(errno_problem(errno, "make a pipe", {}));
  UniqueFd from(ends[0]), to(ends[1]);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return failed(errno_problem(errno, "start a process", {}));
  if (child == 0) be_child(*desk, to.get(), file, which, options);
  to.reset();
  const Told told = listen(from.get(), child, Clock::now() + options.limit);
  Outcome outcome;
  if (!told.in_time) {
    if (!told.status) stop(child);
    const std::string seconds = std::to_string(options.limit.count() / 1000);
    outcome = {Verdict::failed, "did not end within " + seconds + " s" + place(*desk),
               log_of(*desk)};
  } else {
    int status = told.status.value_or(0);
    if (!told.status && !ended_within(child, kGrace, status)) status = stop(child);
    outcome = outcome_of(told.answer, status, *desk);
  }
  ::kill(-child, SIGKILL);  // what it left running
  return outcome;
}

}  // namespace skerry::conformance
