// Wakes a thread that sleeps in zmq_poll. Internal to core/wire.
#pragma once

#include "core/base/file.hpp"
#include "core/base/result.hpp"

namespace skerry::wire {

class Wake {
 public:
  static Result<Wake> create();

  int fd() const { return fd_.get(); }  // readable after notify()
  void notify() const;                  // any thread
  void clear() const;                   // the woken thread

 private:
  UniqueFd fd_;  // an eventfd
};

}  // namespace skerry::wire
