#include "core/wire/give_way.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace skerry::wire {
namespace {

// Linux's sched_attr, as its first version had it: C libraries before glibc 2.41 do not declare it.
struct Scheduling {
  std::uint32_t size = sizeof(Scheduling);
  std::uint32_t policy = SCHED_BATCH;  // waking up, it interrupts nobody
  std::uint64_t flags = 0;
  std::int32_t nice = 10;  // a tenth of the others' share
  std::uint32_t priority = 0;
  // Nanoseconds it wants at once. What asks for less interrupts it; of equals, Linux lets the one
  // that runs go on for some time, which adds up over the threads that a message passes.
  std::uint64_t runtime = 20'000'000;
  std::uint64_t deadline = 0, period = 0;
};

// libzmq encrypts on its I/O threads, and lets nobody make one of them nicer than the others.
constexpr const char* kBulkIoThread = "ZMQbg/IO/1";

// All of it is a thread's own on Linux. That it cannot be had is no reason to stop.
void make_nice(pid_t thread) {
  const Scheduling scheduling;
  static_cast<void>(::syscall(SYS_sched_setattr, thread, &scheduling, 0));
  // Linux's ioprio.h: who is a thread, and the class of those who use the disk when others do not.
  constexpr int kThread = 1, kIdle = 3 << 13;
  static_cast<void>(::syscall(SYS_ioprio_set, kThread, thread, kIdle));
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
