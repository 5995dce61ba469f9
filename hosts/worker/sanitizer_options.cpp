// Built with a sanitizer only. A worker's syscall filter forbids ptrace, which LeakSanitizer needs:
// it would end the worker of a plugin that calls exit() with a status of its own.
extern "C" const char* __asan_default_options() {  // NOLINT: the name is the sanitizer's
  return "detect_leaks=0";
}
