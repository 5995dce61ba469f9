// A service in the middle of 10,000 questions of 80 ms each while its cloud dies, is stopped, is
// cut off or slow, and while its models are swapped: each question is answered, once, in time.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/base/sanitizer.hpp"
#include "core/client/client.hpp"
#include "core/tensor/safetensors.hpp"
#include "tests/fault/support/chaos_proxy.hpp"
#include "tests/fault/support/cluster.hpp"

namespace skerry::fault {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* kLine = "127.0.0.2";
constexpr milliseconds kDeadline{80};
constexpr milliseconds kTolerance{5};
constexpr std::size_t kQuestions = 10'000;
const std::vector<std::int64_t> kShape{64};

std::string service_text(const std::string& fallback = "edge") {
  return fmt::format(R"(apiVersion: skerry.dev/v1alpha1
kind: JointInferenceService
metadata: {{name: service}}
spec:
  input: {{shape: [64]}}
  edge:
    - estimator: {{plugin: fixture-null}}
      filter: {{plugin: margin}}
      threshold: -1
  cloud:
    estimator: {{plugin: fixture-null}}
  deadline: 80ms
  fallback: {}
  audit: 0
  pluginPath: [{}/null]
)",
                     fallback, SKERRY_FIXTURES_DIR);
}

struct Seen {
  std::size_t asked = 0, answered = 0, by_cloud = 0, fallbacks = 0, refused = 0, late = 0;
  double slowest_ms = 0;
  std::map<std::string, std::size_t> codes;
  std::vector<std::pair<Clock::time_point, bool>> order;  // when, and whether the cloud answered
};

class JointFaults : public ::testing::Test {
 protected:
  JointFaults()
      : folder_(TempDir::create("/tmp", "jf").value()),
        cluster_(folder_.path(), 1),
        line_(kLine, {{cluster_.control_port(), cluster_.control_port()},
                      {cluster_.bulk_port(), cluster_.bulk_port()},
                      {cluster_.request_port(), cluster_.request_port()}}) {
    cluster_.reach_cloud_at(1, kLine);
    cluster_.start();
  }
  void TearDown() override { cluster_.kill_all(); }

  void serve(const std::string& text, bool by_cloud = true) {
    cluster_.insist("apply", {{"text", text}, {"file", "/service.yaml"}});
    ASSERT_TRUE(eventually([&] { return answers(by_cloud); })) << status();
  }
  void swap_a_hundred_times(const std::string& side, const std::string& threshold);
  client::Client connect() { return client::Client::connect(cluster_.state(1).string()).value(); }
  bool answers(bool by_cloud) {
    auto client = client::Client::connect(cluster_.state(1).string());
    if (!client) return false;
    const auto reply = ask_once(*client);
    return reply.code.empty() && reply.by_cloud == by_cloud;
  }
  static wire::PredictReply ask_once(client::Client& client) {
    return client.answer_to(client.ask(request(), as_bytes(std::string_view(data())))).reply;
  }
  static wire::PredictRequest request() {
    return {"service", static_cast<std::uint32_t>(1000 * kDeadline.count()), wire::Form::uint8,
            kShape};
  }
  static const std::string& data() {
    static const std::string bytes(64, '\x01');
    return bytes;
  }
  std::string status() {
    return cluster_.insist("get", {{"kind", "jobs"}, {"name", "service"}}).dump();
  }

  // Asks at a steady pace; `faults`: what happens before which question.
  Seen ask(const std::map<std::size_t, std::function<void()>>& faults,
           std::size_t questions = kQuestions, std::chrono::microseconds pace = milliseconds(1)) {
    Seen seen;
    auto client = connect();
    std::map<std::uint64_t, Clock::time_point> sent;
    const auto take = [&](Clock::time_point until) {
      const auto answer = client.next(until);
      if (!answer) return;
      const auto now = Clock::now();
      const auto at = sent.find(answer->id);
      ASSERT_NE(at, sent.end()) << "an answer that nobody waits for: it came twice";
      const double took = std::chrono::duration<double, std::milli>(now - at->second).count();
      sent.erase(at);
      ++seen.answered;
      seen.slowest_ms = std::max(seen.slowest_ms, took);
      seen.late += took > std::chrono::duration<double, std::milli>(kDeadline + kTolerance).count();
      seen.by_cloud += answer->reply.by_cloud;
      seen.fallbacks += answer->reply.fallback;
      if (!answer->reply.code.empty()) {
        ++seen.refused;
        ++seen.codes[answer->reply.code];
      }
      seen.order.emplace_back(now, answer->reply.by_cloud);
    };
    auto next = Clock::now();
    for (std::size_t i = 0; i < questions; ++i) {
      if (const auto fault = faults.find(i); fault != faults.end()) {
        fault->second();
        next = std::max(next, Clock::now());
      }
      while (Clock::now() < next) take(next);
      next += pace;
      sent[client.ask(request(), as_bytes(std::string_view(data())))] = Clock::now();
      ++seen.asked;
    }
    while (!sent.empty() && Clock::now() < next + std::chrono::seconds(2))
      take(Clock::now() + milliseconds(100));
    return seen;
  }

  static void expect_all_in_time(const Seen& seen) {
    EXPECT_EQ(seen.answered, seen.asked) << "questions without an answer";
    EXPECT_EQ(seen.refused, 0u) << ::testing::PrintToString(seen.codes);
    // What runs under a sanitizer on a busy machine has times of its own.
    if (!kSanitized) {
      EXPECT_EQ(seen.late, 0u) << "the slowest took " << seen.slowest_ms << " ms";
    }
    fmt::print("{} asked, {} answered, {} by the cloud, {} fallbacks, slowest {:.1f} ms, {} late\n",
               seen.asked, seen.answered, seen.by_cloud, seen.fallbacks, seen.slowest_ms,
               seen.late);
  }

  // How long after `recovered` the cloud answered again.
  static milliseconds back_after(const Seen& seen, Clock::time_point recovered) {
    for (const auto& [when, by_cloud] : seen.order)
      if (by_cloud && when > recovered)
        return std::chrono::duration_cast<milliseconds>(when - recovered);
    return std::chrono::hours(1);
  }

  std::string phase() {
    return cluster_.insist("get", {{"kind", "jobs"}, {"name", "service"}})
        .at("items")
        .at(0)
        .value("phase", "");
  }

  // A model of fixture-null, all of whose weights are `value`; larger than what is kept inline.
  std::filesystem::path write_model(const std::string& name, float value) const {
    std::vector<tensor::TensorSpec> tensors;
    constexpr std::int64_t kElements = 4096;
    for (const char* part : {"part0", "part1", "part2", "part3"})
      tensors.push_back({part, "F32", {kElements}});
    std::string text = tensor::encode_header(tensors);
    const std::vector<float> values(4 * kElements, value);
    text.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
    const auto file = folder_.path() / name;
    EXPECT_TRUE(write_file_durably(file, text));
    return file;
  }
  static std::string with_models(const std::filesystem::path& edge,
                                 const std::filesystem::path& cloud) {
    std::string text = service_text();
    const auto put = [&](const std::string& at, const std::string& indent,
                         const std::filesystem::path& model) {
      const auto place = text.find(at) + at.size();
      text.replace(place, text.find('\n', place) - place,
                   fmt::format("estimator: {{plugin: fixture-null, config: {{bytes: 65536}}}}\n{}"
                               "model: {}",
                               indent, model.string()));
    };
    put("    - ", "      ", edge);
    put("  cloud:\n    ", "    ", cloud);
    return text;
  }
  static void damage(const std::filesystem::path& blobs, const std::string& digest) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(blobs)) {
      if (!entry.is_regular_file() ||
          entry.path().string().find(digest.substr(4)) == std::string::npos)
        continue;
      std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_write,
                                   std::filesystem::perm_options::add);
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(-5, std::ios::end);
      file.put('\x7f');
    }
  }

  // The worker that serves at a host.
  pid_t serving_worker(int host) {
    for (const pid_t child : children_of(cluster_.process(host).pid())) {
      const auto line = read_file(fmt::format("/proc/{}/cmdline", child));
      if (line && line->find("--serving") != std::string::npos) return child;
    }
    return 0;
  }

  TempDir folder_;
  Cluster cluster_;
  ChaosProxy line_;
};

}  // namespace

TEST_F(JointFaults, ACloudHostThatIsKilledCostsNoAnswer) {
  serve(service_text());
  Clock::time_point back;
  const Seen seen = ask({{3000, [&] { cluster_.kill(0); }}, {6000, [&] {
                                                               cluster_.launch(0);
                                                               back = Clock::now();
                                                             }}});
  expect_all_in_time(seen);
  EXPECT_GT(seen.fallbacks, 2000u);
  EXPECT_LE(back_after(seen, back).count(), 3000) << "with the start of host and worker";
}

TEST_F(JointFaults, ACloudWorkerThatIsKilledCostsNoAnswer) {
  serve(service_text());
  Clock::time_point killed;
  const Seen seen = ask({{3000, [&] {
                            const pid_t worker = serving_worker(0);
                            ASSERT_GT(worker, 0);
                            killed = Clock::now();
                            ::kill(worker, SIGKILL);
                          }}});
  expect_all_in_time(seen);
  EXPECT_LE(back_after(seen, killed + milliseconds(50)).count(), 1000 + 500)
      << "a worker starts after 100 ms; then a probe has to find it";
}

TEST_F(JointFaults, ACloudThatIsStoppedIsABlackHoleAndCostsNoAnswer) {
  serve(service_text());
  Clock::time_point back;
  const Seen seen =
      ask({{3000, [&] { cluster_.process(0).send(SIGSTOP); }}, {6000, [&] {
                                                                  cluster_.process(0).send(SIGCONT);
                                                                  back = Clock::now();
                                                                }}});
  expect_all_in_time(seen);
  // Each that waited for the black hole was answered at its deadline; three of them opened the
  // breaker, but those that were on their way by then waited too.
  EXPECT_GT(seen.fallbacks, 2500u);
  EXPECT_LE(back_after(seen, back).count(), 1000);
}

TEST_F(JointFaults, ALinkThatIsCutAndRestoredCostsNoAnswer) {
  serve(service_text());
  Clock::time_point back;
  const Seen seen = ask({{3000,
                          [&] {
                            line_.refuse();
                            line_.cut();
                          }},
                         {6000, [&] {
                            line_.refuse(false);
                            back = Clock::now();
                          }}});
  expect_all_in_time(seen);
  EXPECT_GT(seen.fallbacks, 2500u);
  EXPECT_LE(back_after(seen, back).count(), 1000);
}

TEST_F(JointFaults, ALinkThatHoldsEverythingBackCostsNoAnswer) {
  serve(service_text());
  Clock::time_point back;
  const Seen seen = ask({{3000, [&] { line_.partition(); }}, {6000, [&] {
                                                                line_.heal();
                                                                back = Clock::now();
                                                              }}});
  expect_all_in_time(seen);
  EXPECT_LE(back_after(seen, back).count(), 1000);
}

TEST_F(JointFaults, ALinkThatIsSlowerThanTheDeadlineCostsNoAnswer) {
  serve(service_text());
  Clock::time_point back;
  const Seen seen = ask({{3000, [&] { line_.delay(Way::up, milliseconds(200)); }},
                         {6000, [&] {
                            line_.delay(Way::up, milliseconds(0));
                            back = Clock::now();
                          }}});
  expect_all_in_time(seen);
  EXPECT_LE(back_after(seen, back).count(), 1000);
}

TEST_F(JointFaults, WithoutAFallbackQuestionsAreRefusedInTimeAndNoneHangs) {
  serve(service_text("reject"));
  const Seen seen = ask({{500, [&] { cluster_.process(0).send(SIGSTOP); }},
                         {1500, [&] { cluster_.process(0).send(SIGCONT); }}},
                        3000);
  EXPECT_EQ(seen.answered, seen.asked);
  EXPECT_GT(seen.refused, 500u);
  EXPECT_THAT(seen.codes, ::testing::ElementsAre(::testing::Key("cloud.unavailable")));
  if (!kSanitized) {
    EXPECT_EQ(seen.late, 0u) << seen.slowest_ms;
  }
}

// Both models travel with the job, so that the cloud has either to swap to.
void JointFaults::swap_a_hundred_times(const std::string& side, const std::string& threshold) {
  const auto first = write_model("a.safetensors", 0.25F),
             second = write_model("b.safetensors", 0.5F);
  std::string text = with_models(first, second);
  text.replace(text.find("threshold: -1"), 13, "threshold: " + threshold);
  serve(text, side == "cloud");
  std::atomic<bool> done = false;
  std::atomic<std::uint64_t> version = 0, answered = 0, failed = 0;
  std::map<std::string, int> codes;  // "": the edge answered for want of the cloud
  std::thread load([&] {
    auto client = connect();
    std::size_t under_way = 0;
    while (!done) {
      for (; under_way < 16; ++under_way) client.ask(request(), as_bytes(std::string_view(data())));
      const auto answer = client.next(Clock::now() + std::chrono::seconds(5));
      if (!answer) continue;
      --under_way;
      ++answered;
      const bool good = answer->reply.code.empty() && !answer->reply.fallback;
      failed += !good;
      if (!good) ++codes[answer->reply.code];
      version = std::max<std::uint64_t>(version, answer->reply.version);
    }
  });
  const std::string digests[] = {digest_of_file(first)->hex(), digest_of_file(second)->hex()};
  std::uint64_t swaps = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t before = version;
    cluster_.insist(
        "signal", {{"job", "service"}, {"name", "models"}, {"value", {{side, {digests[i % 2]}}}}});
    if (!eventually([&] { return version > before; })) break;
    ++swaps;
  }
  done = true;
  load.join();
  fmt::print("{} swaps, {} answers, {} failed\n", swaps, answered.load(), failed.load());
  EXPECT_EQ(swaps, 100u) << status();
  EXPECT_EQ(failed, 0u) << ::testing::PrintToString(codes);
}

TEST_F(JointFaults, AHundredSwapsAtTheEdgeUnderLoadCostNoAnswer) {
  swap_a_hundred_times("edge", "10");
}

TEST_F(JointFaults, AHundredSwapsAtTheCloudUnderLoadCostNoAnswer) {
  swap_a_hundred_times("cloud", "-1");
}

TEST_F(JointFaults, AModelThatIsNotFiniteNeverServes) {
  const auto good = write_model("good.safetensors", 0.25F);
  const auto bad = write_model("bad.safetensors", std::numeric_limits<float>::quiet_NaN());
  cluster_.insist("apply", {{"text", with_models(bad, good)}, {"file", "/service.yaml"}});
  ASSERT_TRUE(eventually([&] { return phase() == "Failed"; })) << status();
  EXPECT_THAT(status(), ::testing::HasSubstr("not finite"));
}

TEST_F(JointFaults, AModelThatADiskHasDamagedNeverServesAndIsNamed) {
  const auto good = write_model("good.safetensors", 0.25F), other = write_model("o.safetensors", 1);
  serve(with_models(good, other));
  const auto digest = digest_of_file(good)->hex();
  cluster_.kill(1);
  damage(cluster_.state(1) / "blobs", digest);
  cluster_.launch(1);
  ASSERT_TRUE(eventually([&] { return status().find("digest") != std::string::npos; })) << status();
}

TEST_F(JointFaults, AnEdgeHostWithoutItsCloudStartsAndServesAgain) {
  serve(service_text());
  cluster_.kill(0);
  cluster_.kill(1);
  cluster_.launch(1);
  ASSERT_TRUE(eventually([&] {
    auto client = client::Client::connect(cluster_.state(1).string());
    return client && ask_once(*client).code.empty();
  }));
}

}  // namespace skerry::fault
