#include "core/wire/wake.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace skerry::wire {

Result<Wake> Wake::create() {
  Wake wake;
  wake.fd_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.fd_) return fail(errno_problem(errno, "make an eventfd", {}));
  return wake;
}

void Wake::notify() const {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the thread is awake anyway.
  [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

void Wake::clear() const {
  std::uint64_t count;
  [[maybe_unused]] const auto got = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace skerry::wire
