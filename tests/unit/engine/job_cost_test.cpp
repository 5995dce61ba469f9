// What a step of a job costs must not grow with all the steps before it.
#include <sqlite3.h>

#include "core/tensor/safetensors.hpp"
#include "tests/unit/engine/cloud_bench.hpp"

namespace skerry::engine::cloud {
namespace {

// Counts the instructions that SQLite carries out, on all connections opened while it lives.
class InstructionCounter {
 public:
  InstructionCounter() {
    instance() = this;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&watch));
  }
  ~InstructionCounter() {
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&watch));
    instance() = nullptr;
  }
  std::int64_t instructions() const { return count_; }

 private:
  static InstructionCounter*& instance() {
    static InstructionCounter* only = nullptr;
    return only;
  }
  static int watch(sqlite3* connection, char**, const sqlite3_api_routines*) {
    const auto count = [](void* counter) {
      ++static_cast<InstructionCounter*>(counter)->count_;
      return 0;
    };
    sqlite3_progress_handler(connection, 1, count, instance());
    return SQLITE_OK;
  }
  std::int64_t count_ = 0;
};

class JobCost : private InstructionCounter, public CloudBench {
 protected:
  void SetUp() override {
    CloudBench::SetUp();
    add_node("harbour");
    add_job();
  }
  static std::string model(int round) {
    const auto value = static_cast<float>(round);
    std::vector<tensor::TensorSpec> specs{{"w", "F32", {1}}};
    return tensor::encode_header(specs) +
           std::string(reinterpret_cast<const char*>(&value), sizeof value);
  }
  // From the end of a task to the beginning of the next one.
  std::int64_t cost_of_round(int round) {
    const std::int64_t before = instructions();
    const std::string bytes = model(round);
    wire::TaskFinished finished = result(std::to_string(round));
    finished.outputs.push_back({"update", digest(bytes), bytes.size(), bytes});
    say("harbour", finished);
    workflow_says({{{"do", "PublishModel"}, {"digest", digest(bytes).hex()}},
                   train(std::to_string(round + 1), "harbour")});
    return instructions() - before;
  }
};

TEST_F(JobCost, OfARoundStaysWhatItWasHoweverManyModelsWerePublished) {
  workflow_says({train("0", "harbour")});
  int round = 0;
  while (round < 10) cost_of_round(round++);
  const std::int64_t early = cost_of_round(round++);
  while (round < 300) cost_of_round(round++);
  const std::int64_t late = cost_of_round(round++);
  EXPECT_EQ(job().models.size(), 301u);
  EXPECT_LT(late, early + early / 4) << "instructions of SQLite";
}

}  // namespace
}  // namespace skerry::engine::cloud
