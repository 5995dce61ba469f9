// Checks what a task made before anybody counts it, cheapest first: well formed, the structure that
// the workflow expects, every value finite. Large files are read on a thread of its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace skerry::engine {

// Bytes in memory or in a file.
struct Content {
  std::string data;
  std::filesystem::path path;  // when not empty, data is unused
};

struct Verdict {
  bool ok = true;
  std::string
      code;  // rejected.missing, rejected.malformed, rejected.shape, rejected.nan, data_loss
  std::string message;
};

struct Exhibit {
  std::string name;  // of the output
  Content found;
  Content expected;  // the artifact whose structure it must have
};

class Examiner {
 public:
  explicit Examiner(boost::asio::io_context& io) : io_(io), threads_(1) {}
  ~Examiner();
  // Ends the thread: what has not begun is dropped. Before the parts that `prepare` uses end.
  void join();

  // `prepare` runs after the checks, on the examiner's thread, for slow work on files such as
  // fsync. Without it, and when every exhibit is in memory, `done` is called before this returns;
  // else later, on the event loop.
  void examine(std::vector<Exhibit> exhibits, std::function<Status()> prepare,
               std::function<void(Verdict)> done);

 private:
  boost::asio::io_context& io_;
  boost::asio::thread_pool threads_;
};

}  // namespace skerry::engine
