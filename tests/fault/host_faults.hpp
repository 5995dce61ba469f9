// What tests of faults share: hosts that run a small job, and what it must come to.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/store/database.hpp"
#include "tests/fault/support/invariants.hpp"
#include "tests/integration/host_processes.hpp"
#include "tests/support/job.hpp"

namespace skerry::fault {

class HostFaults : public testing::HostsTest {
 protected:
  // Applies a job of 5 rounds whose model is a file; `train_millis`: of each round.
  void apply(int train_millis = 0, const std::string& name = "job") const {
    testing::JobText job(name);
    job.set("rounds", "5")
        .set("quorum", "1")
        .set("deadline", "5m")
        .set("estimator", "{plugin: fixture-null, config: {bytes: 300000, trainMillis: " +
                              std::to_string(train_millis) + "}}");
    const auto file = scratch.write(name + ".yaml", job.yaml());
    const auto output = ask({"apply", "-f", file.string()});
    EXPECT_TRUE(output.ok()) << output.all();
  }

  Json job(const std::string& name = "job") const {
    const auto output = ask({"get", "jobs", name});
    if (!output.ok()) return Json::object();
    return output.json().at("items").at(0);
  }
  void await_success(const std::string& name = "job") const {
    EXPECT_TRUE(testing::eventually([&] { return job(name).value("phase", "") == "Succeeded"; }))
        << job(name);
  }
  // Of the cloud, as `skerry get` tells them.
  std::string conditions() const {
    const auto output = ask({"get", "jobs"});
    return output.ok() ? output.json().value("conditions", Json()).dump() : std::string();
  }
  // Once all hosts have stopped.
  void expect_whole(const std::vector<std::string>& edges) const {
    States states{cloud_state(), {}};
    for (const auto& edge : edges) states.edges.push_back(scratch / edge);
    const Report report = check(states, {.jobs_have_ended = true});
    EXPECT_TRUE(report.ok()) << report.text();
  }
};

}  // namespace skerry::fault
