#include "core/runtime/crash_report.hpp"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "core/plugin/elf_file.hpp"
#include "core/runtime/call_record.hpp"

namespace skerry::runtime {
namespace {

constexpr int kFrames = 48;
constexpr std::size_t kStack = 64 * 1024;
std::atomic<pid_t> plugin_thread = 0;
std::atomic<bool> ends_gently = false, told_to_end = false;

struct Copy {
  char mapped[64];
  char file[256];
  // By address. Never freed: a crash may come at any time.
  const std::vector<plugin::ElfFile::Function>* functions = nullptr;
};
constexpr int kShownName = 200;  // of a function: the host reads the end of a log only
std::array<Copy, 32> copies{};
std::atomic<std::size_t> copies_known = 0;

// Everything from here to on_signal() runs in a signal handler: nothing may allocate, or lock but
// for what the dynamic linker does when it is asked about an address.
void say(const char* text) {
  if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) return;
}

void say_hex(std::uintptr_t number) {
  std::array<char, 20> text{};
  std::size_t at = text.size() - 1;
  do {
    text[--at] = "0123456789abcdef"[number % 16];
    number /= 16;
  } while (number > 0 && at > 2);
  text[--at] = 'x';
  text[--at] = '0';
  say(text.data() + at);
}

void say_number(int number) {
  std::array<char, 12> text{};
  std::size_t at = text.size() - 1;
  do {
    text[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0 && at > 0);
  say(text.data() + at);
}

void say_at_most(const char* text, int most) {
  if (::write(STDERR_FILENO, text, std::min(std::strlen(text), static_cast<std::size_t>(most))) < 0)
    return;
}

// The function that holds this address of a library; null: none is known.
const plugin::ElfFile::Function* function_at(const Copy& copy, std::uintptr_t address) {
  if (copy.functions == nullptr) return nullptr;
  const plugin::ElfFile::Function* found = nullptr;
  for (const auto& each : *copy.functions) {
    if (each.address > address) break;
    if (address < each.address + each.size) found = &each;
  }
  return found;
}

// As backtrace_symbols_fd() writes it, which knows exported functions only: a plugin hides its own.
// `returns`: the address is where a call returns to, which may be the next function already.
void say_frame(void* frame, bool returns) {
  Dl_info place{};
  if (::dladdr(frame, &place) != 0 && place.dli_fname != nullptr) {
    const auto address = reinterpret_cast<std::uintptr_t>(frame);
    const std::uintptr_t offset = address - reinterpret_cast<std::uintptr_t>(place.dli_fbase);
    for (std::size_t i = 0; i < copies_known; ++i) {
      if (std::strcmp(copies[i].mapped, place.dli_fname) != 0) continue;
      const auto* function = function_at(copies[i], returns ? offset - 1 : offset);
      if (function == nullptr) break;
      say(place.dli_fname);
      say("(");
      say_at_most(function->name.c_str(), kShownName);
      say("+");
      say_hex(offset - function->address);
      say(")[");
      say_hex(address);
      return say("]\n");
    }
  }
  ::backtrace_symbols_fd(&frame, 1, STDERR_FILENO);
}

[[gnu::noinline]] void report(int signal) {  // a frame of its own: see kHit

  say(kCrashMark);
  say_number(signal);
  if (const auto call = innermost_call()) {
    say(" in ");
    say(call->call);
    say(" of plugin ");
    say(call->plugin);
  }
  say("\n");
  void* frames[kFrames];
  const int count = ::backtrace(frames, kFrames);
  // This function, the handler, and the C library's return from a signal; then where it hit.
  constexpr int kHit = 3;
  for (int i = 0; i < count; ++i) say_frame(frames[i], i != kHit);
  for (std::size_t i = 0; i < copies_known; ++i) {
    say(copies[i].mapped);
    say(" is ");
    say(copies[i].file);
    say("\n");
  }
  say(kCrashEnd);
  say("\n");
}

void end_by(int signal) {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(signal, &standard, nullptr);
  ::raise(signal);
}

void on_signal(int signal) {
  const int error = errno;
  if (signal == SIGTERM) {
    if (ends_gently.load()) {
      told_to_end = true;
      return;
    }
    const pid_t wanted = plugin_thread.load();
    if (!in_a_plugin()) return end_by(signal);
    if (wanted != 0 && wanted != static_cast<pid_t>(::syscall(SYS_gettid))) {
      ::syscall(SYS_tgkill, ::getpid(), wanted, signal);
      errno = error;
      return;
    }
  }
  report(signal);
  end_by(signal);
}

// For this thread's handlers, freed when the thread ends.
struct AlternateStack {
  AlternateStack() : bytes(new std::byte[kStack]) {
    stack_t stack{};
    stack.ss_sp = bytes.get();
    stack.ss_size = kStack;
    ::sigaltstack(&stack, nullptr);
  }
  ~AlternateStack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
  }
  std::unique_ptr<std::byte[]> bytes;
};

}  // namespace

void name_in_reports(const std::string& mapped, const std::string& file) {
  std::size_t at = 0;  // a descriptor that was closed gives its path to the next copy
  while (at < copies_known && mapped != copies[at].mapped) ++at;
  if (at == copies.size()) return;
  std::snprintf(copies[at].mapped, sizeof copies[at].mapped, "%s", mapped.c_str());
  std::snprintf(copies[at].file, sizeof copies[at].file, "%s", file.c_str());
  copies[at].functions = nullptr;
  const auto elf = plugin::ElfFile::open(mapped, file);
  if (auto functions = elf ? elf->functions() : fail(elf.error()))
    copies[at].functions = new std::vector(std::move(*functions));
  copies_known = std::max<std::size_t>(copies_known, at + 1);
}

void report_crashes() {
  void* frame[1];
  ::backtrace(frame, 1);  // loads what it needs now, which it could not do in a handler
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTERM})
    ::sigaction(signal, &action, nullptr);
}

EndsGently::EndsGently() {
  ends_gently = true;
}
EndsGently::~EndsGently() {
  ends_gently = false;
}
bool EndsGently::told() const {
  return told_to_end;
}

void report_crashes_of_this_thread() {
  thread_local const AlternateStack stack;
  static_cast<void>(stack);
  plugin_thread = static_cast<pid_t>(::syscall(SYS_gettid));
}

}  // namespace skerry::runtime
