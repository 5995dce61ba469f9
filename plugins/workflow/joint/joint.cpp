#include <skerry/task.hpp>

#include "calibrate_task.hpp"
#include "calibrator.hpp"
#include "service.hpp"

namespace joint {
namespace {

// params: what TaskContext::serve() takes.
class Serve : public skerry::Task {
 public:
  void run(skerry::TaskContext& context) override { context.serve(context.params().json()); }
};
class ServeEdge : public Serve {};
class ServeCloud : public Serve {};
class ServeFeed : public Serve {};

}  // namespace
}  // namespace joint

SKERRY_PLUGIN(skerry::feature<joint::Service>("joint"),
              skerry::feature<joint::ServeEdge>("joint.edge"),
              skerry::feature<joint::ServeCloud>("joint.cloud"),
              skerry::feature<joint::ServeFeed>("joint.feed"),
              skerry::feature<joint::Calibrator>("joint-calibration"),
              skerry::feature<joint::CalibrateTask>("joint.calibrate"));
