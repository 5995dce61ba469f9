// From which score on an example goes to the cloud: chosen from labelled examples, not guessed.
// Pure: no file, clock or random device.
#pragma once

#include <skerry/task.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace joint {

using skerry::Json;

// One labelled example: how hard the filter says it is (higher: harder), and whose answer is right.
struct Judged {
  double score;
  bool edge_right;
  bool cloud_right;
};

inline constexpr double kConfidence = 0.95;      // of every interval here
inline constexpr std::size_t kMostPoints = 201;  // of a curve that is reported

// I_x(a, b), the regularised incomplete beta function, for a, b > 0 and x in 0..1.
double incomplete_beta(double a, double b, double x);

struct Bounds {
  double lower;
  double upper;
};

// The exact interval of Clopper and Pearson (1934) for a share of which `successes` of `trials`
// were seen: two-sided, so that the share lies below it with a probability of at most (1 -
// confidence) / 2, and likewise above. Of no trials: 0..1.
Bounds clopper_pearson(std::uint64_t successes, std::uint64_t trials,
                       double confidence = kConfidence);

// One threshold and what it does to the examples: those whose score is >= `threshold` go up.
struct Point {
  double threshold;
  std::uint64_t up;     // how many go to the cloud
  std::uint64_t right;  // how many of all examples are answered rightly then
};

// What every threshold would do. Examples of one score go up together or not at all, as no
// threshold tells them apart: the points are the distinct scores, and one above all of them.
class Curve {
 public:
  // Throws skerry::Error SKERRY_INVALID_ARGUMENT where there are no examples, or a score has no
  // finite number above it.
  explicit Curve(std::vector<Judged> examples);

  // From nothing offloaded to everything. Thresholds fall and `up` rises, both strictly.
  const std::vector<Point>& points() const { return points_; }
  // The same, thinned to at most kMostPoints for people to look at: about evenly spaced, always
  // with the first, the last, best(), and the last one up to each twentieth.
  std::vector<Point> thinned() const;

  std::uint64_t examples() const { return examples_; }
  double share(const Point& point) const { return of_all(point.up); }
  double accuracy(const Point& point) const { return of_all(point.right); }
  double edge_accuracy() const { return of_all(points_.front().right); }
  double cloud_accuracy() const { return of_all(points_.back().right); }

  // What sending as many would give if they were drawn at random, on average...
  double random(const Point& point) const;
  // ... and if the choice knew the answers: the most that any order of the examples can reach.
  double oracle(const Point& point) const;

  // The most accurate; of equal ones the one with the least share.
  const Point& best() const;
  // The largest share that is at most `limit`.
  const Point& at_most(double limit) const;

  // How well the score tells the edge's wrong answers from its right ones: the probability that a
  // wrong one has the higher score, equal scores counting half (0.5: not at all). None where the
  // edge is always right, or never.
  std::optional<double> auroc() const { return auroc_; }
  // How much of the way from the edge's accuracy to the cloud's at_most(share) comes. None where
  // the cloud is not the better one.
  std::optional<double> gap_recovered(double share) const;

 private:
  double of_all(std::uint64_t count) const {
    return static_cast<double>(count) / static_cast<double>(examples_);
  }

  std::uint64_t examples_;
  std::uint64_t gains_ = 0;   // the edge is wrong and the cloud is right
  std::uint64_t losses_ = 0;  // the other way round
  std::optional<double> auroc_;
  std::vector<Point> points_;
};

// What a job wants. Exactly one of three.
struct TargetAccuracy {
  double value;
};
struct CloudBudget {
  double value;
};
struct Cost {
  double cloud;  // of an example that goes up
  double error;  // of a wrong answer
};
struct Choose {
  std::variant<TargetAccuracy, CloudBudget, Cost> by;
  bool confident = false;
};

// Strict: {"targetAccuracy": 0 < x <= 1} or {"cloudBudget": 0..1} or {"cost": {"cloud", "error"}},
// and "confident", true or false, with the first two. `path` is where it stands, for
// skerry::invalid().
Choose parse_choose(const Json& json, const std::string& path = "choose");

struct Choice {
  Choose wanted;
  Point point;
  // Can what was wanted be had? Where it cannot, `point` is as close to it as can be.
  bool reached;
};

// Target accuracy: the least share that reaches it, else best(). Cloud budget: the largest share
// that keeps it. Cost: the least cost per example, share * cloud + error rate * error; of equal
// ones the one with the least share.
//
// By the estimate, unless `confident`: then by the bound of clopper_pearson(), so that the accuracy
// is at least the target, or the share at most the budget, on other examples like these too. That
// is no default, as it asks for much: to be sure of 95 % it wants 97 % of 500 right, or 95.6 % of
// 5,000, and the last points are the dearest. The estimate errs to either side, as far as samples
// of that size do: chosen on 5,000, it is met within a point on 5,000 others 98 times in 100.
//
// The bound holds for one threshold, and here it is the first of many that is taken. The two-sided
// interval, of which only one side counts, leaves room for that: of simulated samples of 500 and of
// 5,000, 2 to 4 in 100 came out below the target.
Choice choose(const Curve& curve, const Choose& wanted);

// {"examples", "edgeAccuracy", "cloudAccuracy", "auroc", "gapRecoveredAt20",
//  "points": [{"threshold", "share", "accuracy", "random", "oracle"}],
//  "choice": {"by": {...}, "threshold", "share", "shareLower", "shareUpper", "accuracy", "lower",
//             "upper", "confidence", "reached"}}
// Without auroc and gapRecoveredAt20 where there are none. A choice by cost has its "cost" too,
// that of an example. Numbers are written so that reading them gives the same doubles.
Json to_json(const Curve& curve, const Choice& choice);

}  // namespace joint
