#include "core/runtime/process_launcher.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"

namespace skerry::runtime {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> arguments(const std::filesystem::path& program, const WorkerSpec& spec) {
  std::vector<std::string> list{program.string(),
                                "--connect",
                                spec.endpoint,
                                "--id",
                                spec.id,
                                "--role",
                                spec.role == WorkerRole::decide ? "decide" : "task",
                                "--threads",
                                std::to_string(spec.threads),
                                "--parent-pid",
                                std::to_string(getpid())};
  const auto add = [&](const char* option, const std::string& value) {
    list.push_back(option);
    list.push_back(value);
  };
  if (!spec.serving.empty()) add("--serving", spec.serving);
  if (!spec.call_record.empty()) add("--call-record", spec.call_record.string());
  if (spec.memory > 0) add("--memory", std::to_string(spec.memory));
  if (!spec.files) return list;
  list.push_back("--sandbox");
  if (!spec.files->hide.empty()) add("--hide", spec.files->hide.string());
  for (const auto& path : spec.files->read) add("--read", path.string());
  for (const auto& path : spec.files->write) add("--write", path.string());
  return list;
}

std::vector<std::string> environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry; ++entry) {
    std::string text = *entry;
    if (!added.count(text.substr(0, text.find('=')))) result.push_back(std::move(text));
  }
  for (const auto& [name, value] : added) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// The files and attributes of a new process, freed at the end of the scope.
struct Spawn {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  explicit Spawn(int log) {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, log, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, log, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);

    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    // What the host blocks or ignores is no concern of the worker's.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
  }
  ~Spawn() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
};

struct Ended {
  siginfo_t info{};
  std::uint64_t peak_memory = 0;
};

WorkerExit describe_exit(const std::string& id, const Ended& ended) {
  const siginfo_t& info = ended.info;
  WorkerExit result{.id = id, .pid = info.si_pid, .peak_memory = ended.peak_memory};
  if (info.si_code == CLD_EXITED) {
    result.code = info.si_status;
    result.text = fmt::format("exited with status {}", result.code);
  } else {
    result.signal = info.si_status;
    const char* name = sigabbrev_np(result.signal);
    result.text = fmt::format("killed by SIG{}", name ? name : std::to_string(result.signal));
  }
  return result;
}

// Has `pid` ended? Its process group, which may hold children of plugins, is killed while the pid
// cannot be reused.
bool reap(pid_t pid, Ended& ended, int flags) {
  siginfo_t& info = ended.info;
  info = {};
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT | flags) != 0)
    if (errno != EINTR) return false;
  if (info.si_pid == 0) return false;
  kill(-pid, SIGKILL);
  rusage used{};
  while (wait4(pid, nullptr, 0, &used) < 0 && errno == EINTR) {
  }
  ended.peak_memory = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
  return true;
}

}  // namespace

Result<std::filesystem::path> worker_beside_this_program() {
  std::error_code error;
  auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error)
    return fail(Code::internal, "cannot find out where this program is: " + error.message(),
                "/proc/self/exe");
  auto worker = self.parent_path() / "skerry-worker";
  if (!std::filesystem::exists(worker, error))
    return fail(
        Code::not_found,
        "no skerry-worker beside this program; reinstall Skerry, or build the target skerry-worker",
        worker.string());
  return worker;
}

ProcessLauncher::ProcessLauncher(std::filesystem::path worker_program)
    : program_(std::move(worker_program)) {}

ProcessLauncher::~ProcessLauncher() {
  for (const auto& [id, worker] : running_) kill(-worker.pid, SIGKILL);
  for (const auto& [id, worker] : running_) {
    Ended ended;
    reap(worker.pid, ended, 0);
  }
}

Result<WorkerHandle> ProcessLauncher::start(const WorkerSpec& spec) {
  if (running_.count(spec.id))
    return fail(Code::already_exists, fmt::format("worker {} is running already", spec.id));
  SKERRY_ASSIGN(auto log, open_file(spec.log_file, O_WRONLY | O_CREAT | O_APPEND, 0600));
  auto argv = arguments(program_, spec);
  auto env = environment(spec.env);
  Spawn spawn(log.get());
  pid_t pid = 0;
  int error = posix_spawn(&pid, program_.c_str(), &spawn.files, &spawn.attributes,
                          pointers(argv).data(), pointers(env).data());
  if (error) return fail(errno_problem(error, "start a worker", program_));
  running_[spec.id] = Running{.pid = pid};
  if (groups_ && spec.memory > 0) {
    if (const auto limited = groups_->add(spec.id, pid, spec.memory); !limited)
      log_warn("worker " + spec.id + " runs without a control group: " + limited.error().text());
  }
  return WorkerHandle{spec.id, pid};
}

void ProcessLauncher::stop(const std::string& id, std::chrono::milliseconds grace) {
  auto found = running_.find(id);
  if (found == running_.end()) return;
  auto& worker = found->second;
  if (!worker.stopping) kill(-worker.pid, SIGTERM);
  worker.stopping = true;
  auto kill_at = Clock::now() + grace;
  if (!worker.kill_at || kill_at < *worker.kill_at) worker.kill_at = kill_at;
}

std::vector<WorkerExit> ProcessLauncher::poll() {
  std::vector<WorkerExit> exits;
  for (auto it = running_.begin(); it != running_.end();) {
    auto& [id, worker] = *it;
    Ended ended;
    if (reap(worker.pid, ended, WNOHANG)) {
      exits.push_back(describe_exit(id, ended));
      exits.back().out_of_memory = groups_ && groups_->remove(id);
      it = running_.erase(it);
      continue;
    }
    if (worker.kill_at && Clock::now() >= *worker.kill_at) {
      kill(-worker.pid, SIGKILL);
      worker.kill_at.reset();
    }
    ++it;
  }
  return exits;
}

}  // namespace skerry::runtime
