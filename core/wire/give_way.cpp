#include "core/wire/give_way.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

namespace skerry::wire {
namespace {

constexpr int kNice = 10;  // a tenth of the others' share
// libzmq encrypts on its I/O threads, and lets nobody make one of them nicer than the others.
constexpr const char* kBulkIoThread = "ZMQbg/IO/1";

// Niceness is a thread's own on Linux. That it cannot be had is no reason to stop.
void make_nice(pid_t thread) {
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), kNice));
}

}  // namespace

void give_way() {
  make_nice(::gettid());
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/task", error), end;
       !error && entry != end; entry.increment(error)) {
    std::string name;
    std::getline(std::ifstream(entry->path() / "comm"), name);
    if (name != kBulkIoThread) continue;
    const std::string number = entry->path().filename();
    pid_t thread = 0;
    std::from_chars(number.data(), number.data() + number.size(), thread);
    if (thread > 0) make_nice(thread);
  }
}

}  // namespace skerry::wire
