// What the cloud wants done here: fetched, run in a worker, stored, reported. Each step is a row,
// so that a restart goes on where it was; a task whose worker was cut off begins again.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/engine/disk_guard.hpp"
#include "core/engine/edge/link.hpp"
#include "core/engine/examiner.hpp"
#include "core/engine/loop.hpp"
#include "core/engine/unit.hpp"
#include "core/engine/workers.hpp"
#include "core/store/blob_store.hpp"
#include "core/wire/blob_transfers.hpp"

namespace skerry::engine::edge {

class Tasks {
 public:
  Tasks(Loop& loop, Unit& unit, store::BlobStore& blobs, Examiner& examiner, Workers& workers,
        Link& link, std::filesystem::path downloads)
      : loop_(loop),
        unit_(unit),
        blobs_(blobs),
        examiner_(examiner),
        workers_(workers),
        link_(link),
        downloads_(std::move(downloads)) {}

  // Transfers go through this client; nullptr while the cloud's bulk address is not known.
  void set_bulk(wire::BlobTransfers* bulk);
  // While the disk is full tasks wait, and those that fail begin again later.
  void watch(DiskGuard* disk) { disk_ = disk; }
  // After a start: goes on with what is in the database.
  void recover();
  // Prepares tasks that wait, if nothing stands in their way any more.
  void resume();

  // From the cloud; inside a unit.
  void start(wire::StartTask message);
  void stop(const wire::StopTask& message);
  // Drops what is not among these, but results that are in the outbox.
  void keep_only(const std::vector<wire::TaskKey>& awaited);
  void refused(const wire::TaskRefused& refusal);
  void forget(const std::string& job);
  void delivered(const wire::TaskKey& key);
  std::vector<wire::TaskKey> keys();
  // Whether a task that is not done here needs this blob.
  bool needs(const Digest& digest);

  // From the workers.
  void done(wire::TaskDone done);
  void progress(const wire::TaskProgress& progress);

 private:
  using Clock = Loop::Clock;

  enum class Step {
    waiting,   // for the link, to fetch its inputs
    fetching,  // its inputs
    running,   // in a worker, or waiting there
    finished,  // durably; waits for the link
    storing,   // its outputs in the cloud
  };

  // A task that is not yet reported, in memory.
  struct Active {
    wire::StartTask message;
    Step step = Step::waiting;
    Clock::time_point since{};  // of the step
    int transfers = 0;          // that the step still waits for
    wire::Timing timing;
    std::uint64_t bytes_down = 0;
    std::optional<Clock::time_point> reported;
    std::unique_ptr<Loop::Alarm> again;  // until its outputs are tried again
    wire::TaskFinished result;           // from Step::finished on
  };

  std::set<std::string> jobs();  // that have not ended
  void prepare(Active& task);
  bool wait_for_space(Active& task);
  void fetch(const wire::TaskKey& key, const wire::Artifact& artifact);
  void fetched(const wire::Artifact& artifact, const std::filesystem::path& file,
               Result<std::uint64_t> moved);
  void arrived(const wire::Artifact& artifact, std::uint64_t moved, const Verdict& verdict);
  void enter(Active& task, Step step);
  double seconds(const Active& task) const;  // in the step
  void run(Active& task);
  void keep(const wire::TaskKey& key, const wire::TaskFinished& result);
  void store_outputs(Active& task);
  void cancel_transfers(const wire::TaskKey& key);
  void stored(const wire::TaskKey& key, Result<std::uint64_t> moved);
  void store_later(Active& task);
  void report(const wire::TaskKey& key);
  void report_failure(const wire::TaskKey& key, const std::string& code, const std::string& field,
                      const std::string& message);
  void drop(const wire::TaskKey& key);
  void hold(const std::string& job, const Digest& digest);
  void release(const std::string& job, const std::vector<Digest>& keep);
  Active* find(const wire::TaskKey& key);
  std::vector<const wire::Artifact*> needs(const wire::StartTask& message);

  Loop& loop_;
  Unit& unit_;
  store::BlobStore& blobs_;
  Examiner& examiner_;
  Workers& workers_;
  Link& link_;
  std::filesystem::path downloads_;
  wire::BlobTransfers* bulk_ = nullptr;
  DiskGuard* disk_ = nullptr;
  std::map<wire::TaskKey, std::unique_ptr<Active>> active_;
  std::set<wire::TaskKey> at_workers_;  // that have not answered yet; some were stopped meanwhile
  std::map<Digest, std::vector<wire::TaskKey>> fetches_;  // under way, and who waits for them
};

}  // namespace skerry::engine::edge
