// A plugin's file is replaced while a job uses it: the job goes on with the code that it began
// with, whatever dies, and the next one has the new code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "core/base/digest.hpp"
#include "tests/integration/host_processes.hpp"
#include "tests/support/job.hpp"
#include "tests/support/wait.hpp"

namespace skerry::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class AReplacedPlugin : public HostsTest {
 protected:
  AReplacedPlugin() {
    fs::create_directory(plugins());
    fs::copy_file(program("plugins") / "fedavg.so", file());
    old_digest_ = digest();
  }
  fs::path plugins() const { return scratch / "own"; }
  fs::path file() const { return plugins() / "fedavg.so"; }
  std::string digest() const { return digest_of_file(file()).value().hex(); }
  // Bytes after the sections change nothing but the digest. In place, as `cp` does it.
  void replace() const { std::ofstream(file(), std::ios::app | std::ios::binary) << "newer"; }

  void apply(const std::string& name) const {
    JobText job(name);
    job.set("pluginPath", "[" + plugins().string() + ", " + fixture_plugins("null").string() + "]")
        .set("rounds", "1000000");
    const Output applied = ask({"apply", "-f", scratch.write(name + ".yaml", job.yaml()).string()});
    ASSERT_TRUE(applied.ok()) << applied.all();
  }
  int rounds(const std::string& name) const {
    return ask({"get", "jobs", name}).json().at("items").at(0).value("rounds", 0);
  }
  void await_rounds(const std::string& name, int more) const {
    const int before = rounds(name);
    ASSERT_TRUE(eventually([&] { return rounds(name) >= before + more; })) << name;
  }
  void end(const std::string& name) const {
    ASSERT_TRUE(ask({"signal", name, "stop"}).ok());
    const Output watched = ask({"watch", name});
    EXPECT_TRUE(watched.ok()) << watched.all();
  }
  void kill_workers() const {
    for (const Running& worker : skerry_processes(scratch.path(), "skerry-worker"))
      ::kill(worker.pid, SIGKILL);
  }
  // The plugins with which the audit log says that the job ended.
  std::string plugins_of(const std::string& name) const {
    const Json log = ask({"audit", "ls"}).json();
    for (const Json& entry : log.at("items"))
      if (entry.at("action") == "job.finished" && entry.at("subject") == name)
        return entry.at("details").at("plugins").dump();
    return "";
  }

  std::string old_digest_;
};

TEST_F(AReplacedPlugin, ChangesNoJobThatRunsAndIsWhatTheNextOneUses) {
  {
    Process cloud = start_cloud();
    Process edge = start_joined_edge("edge-1");
    apply("first");
    await_rounds("first", 2);
    replace();
    ASSERT_NE(digest(), old_digest_);
    kill_workers();
    await_rounds("first", 2);
    stop(cloud);
    stop(edge);
  }
  Process cloud = start_cloud();
  Process edge = start_edge("edge-1");
  await_rounds("first", 2);
  apply("second");
  await_rounds("second", 2);
  end("first");
  end("second");
  EXPECT_THAT(plugins_of("first"), AllOf(HasSubstr("fedavg 1.0.0 " + old_digest_),
                                         HasSubstr(file().string()), Not(HasSubstr(digest()))));
  EXPECT_THAT(plugins_of("second"),
              AllOf(HasSubstr("fedavg 1.0.0 " + digest()), Not(HasSubstr(old_digest_))));
  EXPECT_TRUE(eventually([&] { return fs::is_empty(cloud_state() / "plugins"); }))
      << "copies are dropped with their jobs";
  stop(edge);
  stop(cloud);
}

}  // namespace
}  // namespace skerry::testing
