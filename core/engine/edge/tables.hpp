// The edge's durable record.
#pragma once

#include <array>
#include <string_view>

#include "core/engine/quarantine.hpp"

namespace skerry::engine::edge {

inline constexpr std::array<std::string_view, 4> kMigrations{
    R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- What the cloud wants done, until the cloud has acknowledged the result. message: the StartTask as it came.
-- state: waiting (to run, or running), storing (its outputs go to the cloud), reported (in the outbox).
-- result: the TaskFinished or TaskFailed to send, once there is one. type: which of them.
CREATE TABLE task(job TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, message BLOB NOT NULL, type INTEGER NOT NULL
  DEFAULT 0, result BLOB, PRIMARY KEY(job, id));

-- Messages to the cloud, kept until it acknowledges them.
CREATE TABLE outbox(seq INTEGER PRIMARY KEY, type INTEGER NOT NULL, payload BLOB NOT NULL, job TEXT NOT NULL,
  task TEXT NOT NULL);

-- Blobs that a job's tasks brought here, and those that they made.
CREATE TABLE held(job TEXT NOT NULL, digest BLOB NOT NULL, PRIMARY KEY(job, digest)) WITHOUT ROWID;
)sql",
    kQuarantineTable, "CREATE INDEX held_blob ON held(digest);",
    R"sql(
-- Jobs that had a task here and have not ended: a host keeps their plugins.
CREATE TABLE job(job TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO job SELECT job FROM task UNION SELECT job FROM held;
)sql"};

}  // namespace skerry::engine::edge
