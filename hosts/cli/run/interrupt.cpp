#include "hosts/cli/run/interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace skerry::cli {
namespace {

volatile std::sig_atomic_t received = 0;

void note_signal(int) {
  received = received + 1;
}

}  // namespace

void Interrupt::watch() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool Interrupt::arrived() {
  return received > 0;
}
int Interrupt::count() {
  return received;
}

}  // namespace skerry::cli
