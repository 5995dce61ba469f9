// inference/1: how a question is answered between an edge and its cloud: which models are asked,
// and when the cloud is. Runs on the edge, for each question.
#pragma once

#include <skerry/plugin.hpp>

#include <cstdint>
#include <string>

namespace skerry {

// What is known of a question so far.
class Question {
 public:
  explicit Question(const skerry_question& plain) : plain_(plain) {}

  std::uint32_t stages() const { return plain_.stages; }
  bool predicted(std::uint32_t stage) const { return plain_.stage[stage].predicted != 0; }
  bool judged(std::uint32_t stage) const { return plain_.stage[stage].judged != 0; }
  // Of a stage that has judged.
  bool hard(std::uint32_t stage) const { return plain_.stage[stage].hard != 0; }
  double score(std::uint32_t stage) const { return plain_.stage[stage].score; }
  // Microseconds until the answer is due.
  std::uint64_t remaining_us() const { return plain_.remaining_us; }

 private:
  const skerry_question& plain_;
};

// What to do next.
struct Step {
  static Step predict(std::uint32_t stage) { return {SKERRY_STEP_PREDICT, stage}; }
  static Step judge(std::uint32_t stage) { return {SKERRY_STEP_JUDGE, stage}; }
  static Step ask_cloud() { return {SKERRY_STEP_ASK, 0}; }
  static Step answer(std::uint32_t stage) { return {SKERRY_STEP_ANSWER, stage}; }

  std::uint32_t action = SKERRY_STEP_ASK;
  std::uint32_t stage = 0;
};

class Inference {
 public:
  using KindBase = Inference;
  virtual ~Inference() = default;

  // Asked again after each predict and judge; ask_cloud and answer are the last. Pure: the same
  // question gives the same step. [serial]
  virtual Step next(const Question&) = 0;
};

template <>
struct InterfaceKind<skerry_inference_v1> {
  static constexpr const char* id = "inference/1";
};

template <>
struct Kind<Inference> {
  static constexpr const char* id = InterfaceKind<skerry_inference_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_inference_v1 functions = {sizeof(skerry_inference_v1), 0, next};
    return &functions;
  }

 private:
  static skerry_status next(skerry_instance* instance, const skerry_question* question,
                            skerry_step* out, skerry_error* error) {
    return detail::guard(error, [&] {
      const Step step = object_of<Inference>(instance).next(Question(*question));
      *out = {step.action, step.stage};
    });
  }
};

}  // namespace skerry
