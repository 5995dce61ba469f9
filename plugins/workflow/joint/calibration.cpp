#include "calibration.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <limits>

namespace joint {
namespace {

constexpr const char* kTarget = "targetAccuracy";
constexpr const char* kBudget = "cloudBudget";
constexpr const char* kCost = "cost";
constexpr const char* kConfident = "confident";
constexpr double kMostCost = 1e12;  // times any number of examples that fits in memory: finite
// Even steps of a share: each twentieth is one of them, and a place is left for the best point.
constexpr int kSteps = 180;
static_assert(kSteps % 20 == 0 && kSteps + 2 <= kMostPoints);

// The continued fraction of the incomplete beta function (DLMF 8.17.22) by the algorithm of Lentz
// as Thompson and Barnett (1986) changed it. Converges in O(sqrt(max(a, b))) steps where
// x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;  // in place of a zero denominator
  constexpr double kEnough = 1e-15;
  constexpr int kMostSteps = 1'000'000;
  const auto not_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), result = d;
  for (int m = 1; m < kMostSteps; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double change = 1;
    for (const double numerator : {even, odd}) {
      d = 1 / not_zero(1 + numerator * d);
      c = not_zero(1 + numerator / c);
      change = c * d;
      result *= change;
    }
    if (std::abs(change - 1) < kEnough) break;
  }
  return result;
}

// The p at which `successes` or more of `trials` have the probability `level`:
// I_p(successes, trials - successes + 1) = level. Rises with p, so bisection finds it.
double lower_bound(std::uint64_t successes, std::uint64_t trials, double level) {
  if (successes == 0) return 0;
  const auto a = static_cast<double>(successes);
  const auto b = static_cast<double>(trials - successes + 1);
  double low = 0, high = 1;
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return low;
    (incomplete_beta(a, b, middle) < level ? low : high) = middle;
  }
}

void check(const std::vector<Judged>& examples) {
  if (examples.empty())
    throw skerry::invalid("",
                          "there are no labelled examples to calibrate with; give at least one, "
                          "better a thousand");
  for (std::size_t i = 0; i < examples.size(); ++i) {
    // The threshold at which nothing goes up lies above every score, and must be a number as well.
    if (std::abs(examples[i].score) < std::numeric_limits<double>::max()) continue;
    char score[32];
    std::snprintf(score, sizeof score, "%g", examples[i].score);
    throw skerry::invalid("", "example " + std::to_string(i) + " of " +
                                  std::to_string(examples.size()) + " has the score " + score +
                                  "; mend the filter, so that scores are finite numbers");
  }
}

// A finite number above the score. Not a subnormal one, which not every processor setting and not
// every parser tells from 0.
double just_above(double score) {
  const double next = std::nextafter(score, std::numeric_limits<double>::infinity());
  constexpr double kSmallest = std::numeric_limits<double>::min();
  return next > 0 && next < kSmallest ? kSmallest : next;
}

// Counts pairs of a wrong and a right answer of the edge, from the hardest examples on (Mann and
// Whitney, 1947).
class Ranking {
 public:
  void add_tied(std::uint64_t wrong, std::uint64_t right) {
    // Twice the pairs in which the wrong one is the harder: this group's right ones against the
    // wrong ones above, and half against those beside them.
    in_order_ += static_cast<double>(right) * static_cast<double>(2 * wrong_ + wrong);
    wrong_ += wrong;
    right_ += right;
  }
  std::optional<double> auroc() const {
    if (wrong_ == 0 || right_ == 0) return std::nullopt;
    return in_order_ / 2 / static_cast<double>(wrong_) / static_cast<double>(right_);
  }

 private:
  double in_order_ = 0;
  std::uint64_t wrong_ = 0, right_ = 0;
};

void check_keys(const skerry::Config& config, const std::vector<std::string>& known) {
  for (const auto& each : config.json().items()) {
    if (std::find(known.begin(), known.end(), each.key()) != known.end()) continue;
    throw skerry::invalid(config.path(each.key()),
                          "is not known. Allowed: " + skerry::listed(known) + "." +
                              skerry::did_you_mean(each.key(), known));
  }
}

double number_in(const skerry::Config& config, const char* key, double most, const char* range) {
  const double value = config.number(key);
  if (value >= 0 && value <= most) return value;  // not so where it is no number
  throw skerry::invalid(config.path(key), std::string("must be ") + range + ", found " +
                                              config.json().at(key).dump());
}

TargetAccuracy target_of(const skerry::Config& config) {
  const double value = number_in(config, kTarget, 1, "above 0 and at most 1");
  if (value == 0)
    throw skerry::invalid(config.path(kTarget), "must be above 0; any answers reach 0");
  return {value};
}

Cost cost_of(const skerry::Config& config) {
  check_keys(config, {"cloud", "error"});
  const Cost cost = {number_in(config, "cloud", kMostCost, "0 to 1e12"),
                     number_in(config, "error", kMostCost, "0 to 1e12")};
  if (cost.cloud == 0 && cost.error == 0)
    throw skerry::invalid(config.path("error"),
                          "must be above 0, or cloud; nothing costs anything");
  return cost;
}

// The first point that has at least `right` right answers.
Choice first_with(const Curve& curve, const Choose& wanted, std::uint64_t right) {
  for (const Point& point : curve.points())
    if (point.right >= right) return {wanted, point, true};
  return {wanted, curve.best(), false};
}

// The least count up to `most` of which `enough` is true; most + 1 where it never is. Once true, it
// stays so.
template <class Enough>
std::uint64_t least_count(std::uint64_t most, Enough enough) {
  std::uint64_t low = 0, high = most + 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (enough(middle))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

double share_of(std::uint64_t count, std::uint64_t all) {
  return static_cast<double>(count) / static_cast<double>(all);
}

// What choose() goes by, of a count of the examples.
double sure_lower(const Choose& wanted, std::uint64_t count, std::uint64_t all) {
  return wanted.confident ? clopper_pearson(count, all).lower : share_of(count, all);
}
double sure_upper(const Choose& wanted, std::uint64_t count, std::uint64_t all) {
  return wanted.confident ? clopper_pearson(count, all).upper : share_of(count, all);
}

Choice choice_by(const Curve& curve, const Choose& wanted, const TargetAccuracy& target) {
  const std::uint64_t all = curve.examples();
  const std::uint64_t right = least_count(
      all, [&](std::uint64_t count) { return sure_lower(wanted, count, all) >= target.value; });
  return first_with(curve, wanted, right);
}

Choice choice_by(const Curve& curve, const Choose& wanted, const CloudBudget& budget) {
  const std::uint64_t all = curve.examples();
  const std::uint64_t too_many = least_count(
      all, [&](std::uint64_t count) { return sure_upper(wanted, count, all) > budget.value; });
  if (too_many == 0) return {wanted, curve.points().front(), false};
  return {wanted, curve.at_most(share_of(too_many - 1, all)), true};
}

double cost_per_example(const Curve& curve, const Point& point, const Cost& cost) {
  // Counts first: sums of whole costs are exact then, and equal ones equal.
  const auto wrong = static_cast<double>(curve.examples() - point.right);
  return (static_cast<double>(point.up) * cost.cloud + wrong * cost.error) /
         static_cast<double>(curve.examples());
}

Choice choice_by(const Curve& curve, const Choose& wanted, const Cost& cost) {
  const auto& points = curve.points();
  const auto least =
      std::min_element(points.begin(), points.end(), [&](const Point& a, const Point& b) {
        return cost_per_example(curve, a, cost) < cost_per_example(curve, b, cost);
      });
  return {wanted, *least, true};
}

void put(Json& by, const TargetAccuracy& target) {
  by[kTarget] = target.value;
}
void put(Json& by, const CloudBudget& budget) {
  by[kBudget] = budget.value;
}
void put(Json& by, const Cost& cost) {
  by[kCost] = {{"cloud", cost.cloud}, {"error", cost.error}};
}

Json json_of(const Curve& curve, const Choice& choice) {
  Json by = Json::object();
  std::visit([&](const auto& each) { put(by, each); }, choice.wanted.by);
  if (choice.wanted.confident) by[kConfident] = true;
  const Bounds accuracy = clopper_pearson(choice.point.right, curve.examples());
  const Bounds share = clopper_pearson(choice.point.up, curve.examples());
  Json json = {{"by", by},
               {"threshold", choice.point.threshold},
               {"share", curve.share(choice.point)},
               {"shareLower", share.lower},
               {"shareUpper", share.upper},
               {"accuracy", curve.accuracy(choice.point)},
               {"lower", accuracy.lower},
               {"upper", accuracy.upper},
               {"confidence", kConfidence},
               {"reached", choice.reached}};
  if (const auto* cost = std::get_if<Cost>(&choice.wanted.by))
    json[kCost] = cost_per_example(curve, choice.point, *cost);
  return json;
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  // x^a (1 - x)^b / (a B(a, b)), by logarithms: each factor alone would underflow.
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x)) /
                       a;
  return std::clamp(front * beta_fraction(a, b, x), 0.0, 1.0);
}

Bounds clopper_pearson(std::uint64_t successes, std::uint64_t trials, double confidence) {
  if (trials == 0) return {0, 1};
  const double level = (1 - confidence) / 2;
  return {lower_bound(successes, trials, level),
          1 - lower_bound(trials - successes, trials, level)};
}

Curve::Curve(std::vector<Judged> examples) : examples_(examples.size()) {
  check(examples);
  std::sort(examples.begin(), examples.end(),
            [](const Judged& a, const Judged& b) { return a.score > b.score; });
  Point point = {just_above(examples.front().score), 0, 0};
  for (const Judged& each : examples) point.right += each.edge_right ? 1 : 0;
  points_.push_back(point);
  Ranking ranking;
  for (auto each = examples.begin(); each != examples.end();) {
    std::uint64_t wrong = 0, right = 0;
    point.threshold = each->score;
    for (; each != examples.end() && each->score == point.threshold; ++each) {
      ++point.up;
      ++(each->edge_right ? right : wrong);
      if (each->cloud_right && !each->edge_right) ++gains_, ++point.right;
      if (each->edge_right && !each->cloud_right) ++losses_, --point.right;
    }
    ranking.add_tied(wrong, right);
    points_.push_back(point);
  }
  auroc_ = ranking.auroc();
}

double Curve::random(const Point& point) const {
  return edge_accuracy() + share(point) * (cloud_accuracy() - edge_accuracy());
}

double Curve::oracle(const Point& point) const {
  // First those that gain, then those that change nothing, and at last those that lose.
  const std::uint64_t gained = std::min(point.up, gains_);
  const std::uint64_t harmless = examples_ - losses_;
  const std::uint64_t lost = point.up > harmless ? point.up - harmless : 0;
  return of_all(points_.front().right + gained - lost);
}

const Point& Curve::best() const {
  return *std::max_element(points_.begin(), points_.end(),
                           [](const Point& a, const Point& b) { return a.right < b.right; });
}

const Point& Curve::at_most(double limit) const {
  const auto above = std::partition_point(
      points_.begin(), points_.end(), [&](const Point& point) { return share(point) <= limit; });
  return above == points_.begin() ? points_.front() : *std::prev(above);
}

std::optional<double> Curve::gap_recovered(double share) const {
  const double gap = cloud_accuracy() - edge_accuracy();
  if (!(gap > 0)) return std::nullopt;
  return (accuracy(at_most(share)) - edge_accuracy()) / gap;
}

std::vector<Point> Curve::thinned() const {
  if (points_.size() <= kMostPoints) return points_;
  std::vector<Point> points;
  for (int i = 0; i <= kSteps; ++i) points.push_back(at_most(static_cast<double>(i) / kSteps));
  points.push_back(best());
  std::sort(points.begin(), points.end(),
            [](const Point& a, const Point& b) { return a.up < b.up; });
  const auto same = [](const Point& a, const Point& b) { return a.up == b.up; };
  points.erase(std::unique(points.begin(), points.end(), same), points.end());
  return points;
}

Choose parse_choose(const Json& json, const std::string& path) {
  const skerry::Config config(json, path);
  check_keys(config, {kTarget, kBudget, kCost, kConfident});
  const int ways = config.has(kTarget) + config.has(kBudget) + config.has(kCost);
  if (ways != 1)
    throw skerry::invalid(path,
                          "must have exactly one of targetAccuracy, cloudBudget and cost, found " +
                              (ways == 0 ? std::string("none") : std::to_string(ways)));
  const bool confident = config.boolean(kConfident, false);
  if (config.has(kTarget)) return {target_of(config), confident};
  if (config.has(kBudget)) return {CloudBudget{number_in(config, kBudget, 1, "0 to 1")}, confident};
  if (confident)
    throw skerry::invalid(config.path(kConfident),
                          "has no meaning with cost, which sets no limit to be sure of; take it "
                          "away, or choose by targetAccuracy or cloudBudget");
  return {cost_of(config.object(kCost)), false};
}

Choice choose(const Curve& curve, const Choose& wanted) {
  return std::visit([&](const auto& by) { return choice_by(curve, wanted, by); }, wanted.by);
}

Json to_json(const Curve& curve, const Choice& choice) {
  Json json = {{"examples", curve.examples()},
               {"edgeAccuracy", curve.edge_accuracy()},
               {"cloudAccuracy", curve.cloud_accuracy()},
               {"points", Json::array()},
               {"choice", json_of(curve, choice)}};
  if (const auto auroc = curve.auroc()) json["auroc"] = *auroc;
  if (const auto gap = curve.gap_recovered(0.2)) json["gapRecoveredAt20"] = *gap;
  for (const Point& point : curve.thinned())
    json["points"].push_back({{"threshold", point.threshold},
                              {"share", curve.share(point)},
                              {"accuracy", curve.accuracy(point)},
                              {"random", curve.random(point)},
                              {"oracle", curve.oracle(point)}});
  return json;
}

}  // namespace joint
