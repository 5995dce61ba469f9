#pragma once

#include <cstdint>
#include <string>

#include <skerry/task.hpp>

// The work of a federated job. Each task's parameters and artifacts are what step.hpp's files give
// and expect.
namespace federated {

// The job's model, built once a worker for the data of this node.
class Model {
 public:
  // The weights are those of the seed, or what a task on this worker left.
  skerry::EstimatorRef open(const skerry::TaskContext&);

 private:
  bool prepared_ = false;
};

// params: seed. Output: model. Reads the description of the data, not the data.
class InitTask : public skerry::Task {
 public:
  void run(skerry::TaskContext&) override;
};

// params: round (from 1), index, parts, seed, encode. Input: model. Output: update, in the codec's
// form where `encode` is true. Result: samples.
class TrainTask : public skerry::Task {
 public:
  void run(skerry::TaskContext&) override;

 private:
  Model model_;
};

// Inputs: encoded, base. Output: update.
class DecodeTask : public skerry::Task {
 public:
  void run(skerry::TaskContext&) override;
};

// params: updates, a list of {node, samples, weight?, loss?}: weight takes the place of samples.
// Inputs: base, u0, u1, ... Output: model.
class AggregateTask : public skerry::Task {
 public:
  void run(skerry::TaskContext&) override;
};

// params: index, parts, seed. Input: model. Result: samples.
class EvaluateTask : public skerry::Task {
 public:
  void run(skerry::TaskContext&) override;

 private:
  Model model_;
};

}  // namespace federated
