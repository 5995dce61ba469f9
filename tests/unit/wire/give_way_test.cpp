// Which threads of a process give way.
#include "core/wire/give_way.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "core/wire/transport.hpp"
#include "tests/unit/wire/support.hpp"

namespace skerry::wire {
namespace {

std::optional<int> find_niceness_of(const std::string& name) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string found;
    std::getline(std::ifstream(task.path() / "comm"), found);
    if (found == name)
      return ::getpriority(PRIO_PROCESS,
                           static_cast<id_t>(std::stoi(task.path().filename().string())));
  }
  return {};
}

// A thread gives itself its name once it runs.
int niceness_of(const std::string& name) {
  std::optional<int> found;
  EXPECT_TRUE(eventually([&] { return (found = find_niceness_of(name)).has_value(); })) << name;
  return found.value_or(0);
}

TEST(GiveWay, MakesTheThreadsThatMoveBlobsNiceAndNoOthers) {
  zmq::context_t context(kIoThreads);
  const zmq::socket_t socket(context, zmq::socket_type::dealer);  // with it the threads begin
  const int usual = niceness_of("ZMQbg/IO/0");
  EXPECT_EQ(niceness_of("ZMQbg/IO/1"), usual);
  std::thread([&] {
    give_way();
    EXPECT_GT(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())), usual);
  }).join();
  EXPECT_GT(niceness_of("ZMQbg/IO/1"), usual);
  EXPECT_EQ(niceness_of("ZMQbg/IO/0"), usual);
  EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())), usual);
}

}  // namespace
}  // namespace skerry::wire
