#include "tests/support/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "tests/support/scratch.hpp"

namespace skerry::testing {
namespace {

struct Setup {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  Setup(const std::filesystem::path& out, const std::filesystem::path& err) {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    // A connection of the test's own would stay open as long as the child lives.
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  }
  ~Setup() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;
};

std::vector<std::string> merged(std::map<std::string, std::string> environment) {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  std::vector<std::string> list;
  for (const auto& [name, value] : environment) {
    if (!value.empty()) list.push_back(name + "=" + value);
  }
  return list;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

Process::Process(const Command& command) {
  static std::atomic<int> started{0};
  const std::string name = std::filesystem::path(command.arguments.at(0)).filename().string() +
                           "-" + std::to_string(++started);
  out_ = command.output / (name + ".out");
  err_ = command.output / (name + ".err");
  const Setup setup(out_, err_);
  auto arguments = command.arguments;
  auto environment = merged(command.environment);
  const int error = posix_spawn(&pid_, arguments[0].c_str(), &setup.files, &setup.attributes,
                                pointers(arguments).data(), pointers(environment).data());
  if (error != 0)
    throw std::runtime_error("cannot start " + arguments[0] + ": " + std::strerror(error));
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      ending_(other.ending_),
      out_(other.out_),
      err_(other.err_) {}

Process::~Process() {
  if (pid_ == 0 || ended()) return;
  ::kill(-pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<Ending> Process::ended() {
  int status = 0;
  if (!ending_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    ending_.emplace();
    if (WIFSIGNALED(status)) {
      ending_->signal = WTERMSIG(status);
    } else {
      ending_->status = WEXITSTATUS(status);
    }
  }
  return ending_;
}

Ending Process::wait(std::chrono::milliseconds patience) {
  if (!eventually([this] { return ended().has_value(); }, patience)) {
    ADD_FAILURE() << "process " << pid_ << " did not end within " << patience.count() << " ms\n"
                  << out() << err();
    ::kill(-pid_, SIGKILL);
    eventually([this] { return ended().has_value(); });
  }
  return ending_.value_or(Ending{});
}

void Process::send(int signal) const {
  ::kill(pid_, signal);
}

std::string Process::out() const {
  return read_text(out_);
}
std::string Process::err() const {
  return read_text(err_);
}

}  // namespace skerry::testing
