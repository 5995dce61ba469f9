// The cloud's durable record: its tables, step by step as versions were released.
#pragma once

#include <array>
#include <string_view>

#include "core/engine/quarantine.hpp"
#include "core/store/audit_chain.hpp"

namespace skerry::engine::cloud {

inline constexpr std::array<std::string_view, 9> kMigrations{
    R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- A node that may join: the public half of its token's one-time key. used_by: the key that it joined with.
CREATE TABLE invite(node TEXT PRIMARY KEY, public_key TEXT NOT NULL UNIQUE, used_by TEXT) WITHOUT ROWID;

-- outbox, uplink_seq: what was committed of the messages it sent. downlink_seq: the last number given out to it.
CREATE TABLE node(name TEXT PRIMARY KEY, public_key TEXT NOT NULL UNIQUE, revoked INTEGER NOT NULL DEFAULT 0,
  joined TEXT NOT NULL, outbox TEXT NOT NULL DEFAULT '', uplink_seq INTEGER NOT NULL DEFAULT 0,
  downlink_seq INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;

-- Messages to a node, kept until it acknowledges them.
CREATE TABLE downlink(node TEXT NOT NULL, seq INTEGER NOT NULL, type INTEGER NOT NULL, payload BLOB NOT NULL,
  PRIMARY KEY(node, seq)) WITHOUT ROWID;

-- file: where it came from, for relative paths in it.
CREATE TABLE resource(kind TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, file TEXT NOT NULL,
  created TEXT NOT NULL, PRIMARY KEY(kind, name)) WITHOUT ROWID;

-- time_ms: how long the job has run, without the time that the host was down. decided: events that state reflects.
CREATE TABLE job(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, plan TEXT NOT NULL,
  text TEXT NOT NULL, phase TEXT NOT NULL, message TEXT NOT NULL, state BLOB NOT NULL, decided INTEGER NOT NULL,
  time_ms INTEGER NOT NULL, created TEXT NOT NULL, bytes_up INTEGER NOT NULL, bytes_down INTEGER NOT NULL);

CREATE TABLE event(job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE, seq INTEGER NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY(job, seq)) WITHOUT ROWID;

-- state: open, finished, failed, stopped. downlink_seq: the message that carried it to its node.
CREATE TABLE task(job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE, id TEXT NOT NULL, node TEXT NOT NULL,
  kind TEXT NOT NULL, state TEXT NOT NULL, message TEXT NOT NULL, params TEXT NOT NULL, inputs TEXT NOT NULL,
  expects TEXT NOT NULL, downlink_seq INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(job, id));
CREATE INDEX open_task ON task(node) WHERE state = 'open';

CREATE TABLE timer(job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE, name TEXT NOT NULL,
  fires_at_ms INTEGER NOT NULL, PRIMARY KEY(job, name)) WITHOUT ROWID;

CREATE TABLE record(job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE, seq INTEGER NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY(job, seq)) WITHOUT ROWID;

CREATE TABLE model(job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE, version INTEGER NOT NULL,
  digest BLOB NOT NULL, metrics TEXT NOT NULL, created TEXT NOT NULL, PRIMARY KEY(job, version)) WITHOUT ROWID;

-- Blobs that a job holds: what its tasks made, and the files that were shipped with it.
CREATE TABLE artifact(job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE, digest BLOB NOT NULL,
  shipped INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(job, digest)) WITHOUT ROWID;

-- Plugins that the job's tasks loaded: id, version, digest and file.
CREATE TABLE loaded(job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE, plugin TEXT NOT NULL,
  PRIMARY KEY(job, plugin)) WITHOUT ROWID;
)sql", store::kAuditSchema, kQuarantineTable, R"sql(
-- How long the task may run, and what its result must keep to, as its workflow said.
ALTER TABLE task ADD COLUMN deadline_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
)sql",
    R"sql(
-- Keys with which an operator may ask from another machine.
CREATE TABLE admin_key(name TEXT PRIMARY KEY, public_key TEXT NOT NULL UNIQUE, revoked INTEGER NOT NULL DEFAULT 0,
  created TEXT NOT NULL) WITHOUT ROWID;
)sql",
    R"sql(
-- Blobs that an open task needs or brings; gone when it closes.
CREATE TABLE pin(job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE, task TEXT NOT NULL, digest BLOB NOT NULL,
  PRIMARY KEY(job, task, digest)) WITHOUT ROWID;
CREATE INDEX pinned ON pin(digest);
CREATE INDEX held_artifact ON artifact(digest);
CREATE INDEX held_model ON model(digest);
)sql",
    R"sql(
-- When the token ends, in seconds since 1970. next_key: takes public_key's place once the node greets with it.
ALTER TABLE invite ADD COLUMN expires INTEGER;
ALTER TABLE node ADD COLUMN next_key TEXT;
)sql",
    R"sql(
-- A job has few open tasks among the many that it has had.
CREATE INDEX open_task_of_job ON task(job) WHERE state = 'open';
)sql",
    R"sql(
-- The version that the task serves, and which of its replicas it is; 0: it ends by itself. slots: the places of the spec
-- whose files it needs; none: all.
ALTER TABLE task ADD COLUMN serves INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN replica INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN slots TEXT NOT NULL DEFAULT '[]';
)sql"};

}  // namespace skerry::engine::cloud
