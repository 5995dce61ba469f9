// A GoogleTest case for each check that concerns a plugin:
//
//   int main(int argc, char** argv) {
//     testing::InitGoogleTest(&argc, argv);
//     skerry::conformance::register_checks({"build/my_avg.so", R"({"step": 0.5})"});
//     return RUN_ALL_TESTS();
//   }
#pragma once

#include <gtest/gtest.h>
#include <skerry/conformance.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace skerry::conformance {

struct Plan {
  std::string file;
  std::string config = "{}";  // of its feature, a JSON object
  int strict = 2;  // up to which level checks are registered: 1 required, 2 expected, 3 polished
  std::uint64_t seed = 42;
  bool isolated = true;  // a process for each; false for a debugger
};

// Throws std::runtime_error where the file is no plugin. Before RUN_ALL_TESTS().
inline void register_checks(const Plan& plan) {
  class Check : public testing::Test {
   public:
    Check(Plan plan, std::string name) : plan_(std::move(plan)), name_(std::move(name)) {}
    void TestBody() override {
      std::array<char, 8192> message{};
      const auto verdict = skerry_conformance_run(
          plan_.file.c_str(), name_.c_str(), plan_.config.c_str(), plan_.seed,
          plan_.isolated ? 1 : 0, message.data(), message.size());
      if (verdict == SKERRY_CONFORMANCE_SKIPPED) GTEST_SKIP() << message.data();
      EXPECT_EQ(verdict, SKERRY_CONFORMANCE_PASSED) << message.data();
    }

   private:
    Plan plan_;
    std::string name_;
  };

  std::array<char, 8192> message{};
  const auto each = [](void* context, const char* name, std::int32_t level, const char*) {
    const Plan& plan = *static_cast<const Plan*>(context);
    if (level > plan.strict) return;
    testing::RegisterTest(
        "Conformance", name, nullptr, nullptr, plan.file.c_str(), 1,
        [plan, check = std::string(name)]() -> testing::Test* { return new Check(plan, check); });
  };
  if (skerry_conformance_list(plan.file.c_str(), each, const_cast<Plan*>(&plan), message.data(),
                              message.size()) < 0)
    throw std::runtime_error(message.data());
}

}  // namespace skerry::conformance
