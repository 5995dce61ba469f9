// Built with a sanitizer only. A worker's limits leave LeakSanitizer no means to look; it would end
// the worker of a plugin that calls exit() with a status of its own.
extern "C" const char* __asan_default_options() {  // NOLINT: the name is the sanitizer's
  return "detect_leaks=0";
}
