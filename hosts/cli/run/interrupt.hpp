#pragma once

namespace skerry::cli {

// SIGINT, SIGTERM and SIGHUP as a number to look at now and then. They do not restart system calls,
// so a wait ends early.
class Interrupt {
 public:
  static void watch();  // from now on; SIGPIPE is ignored as well
  static bool arrived();
  static int count();  // a second one means: at once
};

}  // namespace skerry::cli
