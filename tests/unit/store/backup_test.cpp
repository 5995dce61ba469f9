// A state directory copied while it is written, cut off at every step, damaged, and put back.
#include "core/store/backup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <thread>

#include "core/base/failpoint.hpp"
#include "core/base/file.hpp"
#include "core/store/blob_store.hpp"
#include "core/store/database.hpp"
#include "core/store/file_copy.hpp"
#include "core/store/state_lock.hpp"

namespace skerry::store {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kSchema[] = {
    kAuditSchema,
    "CREATE TABLE pair(id INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
    "CREATE TABLE filler(bytes BLOB NOT NULL);"};

std::string big(char of) {
  return std::string(100'000, of);
}

class Backups : public ::testing::Test {
 protected:
  void SetUp() override {
    open();
    ASSERT_TRUE(database->migrate(kSchema));
    for (const char each : {'a', 'b', 'c'}) put(big(each));
    put("small");
    audit("first");
    ASSERT_TRUE(database->exec("INSERT INTO pair(value) VALUES(1), (-1)"));
    ASSERT_TRUE(write_file_durably(state / kKeyFile, "secret\n"));
  }
  void open() {
    static_cast<void>(make_directories(state));
    database.emplace(Database::open(state / kDatabaseFile).value());
    blobs.emplace(BlobStore::open(*database, state / "blobs").value());
  }
  void close() {
    blobs.reset();
    database.reset();
  }
  Digest put(const std::string& bytes) {
    const Digest digest = digest_of(as_bytes(bytes));
    EXPECT_TRUE(blobs->put(as_bytes(bytes), digest));
    return digest;
  }
  void audit(const std::string& action) {
    AuditEntry entry;
    entry.action = action;
    EXPECT_TRUE(append_audit(*database, entry));
  }

  BackupRequest request(const fs::path& place) const {
    BackupRequest wanted;
    wanted.state = state;
    wanted.to = place;
    wanted.version = "1.2.3";
    wanted.created = "2026-01-31T09:05:00Z";
    wanted.public_key = "public of secret";
    return wanted;
  }
  Manifest back_up(const fs::path& place) {
    auto made = make_backup(request(place));
    EXPECT_TRUE(made) << made.error().text();
    return made.value_or(Manifest{});
  }
  static std::vector<Problem> problems_of(const fs::path& backup) {
    const auto checked =
        check_backup(backup, {.newest_schema = 2, .public_key_of = [](std::string_view secret) {
                                return Result<std::string>("public of " + std::string(secret));
                              }});
    return checked ? std::vector<Problem>() : checked.error();
  }
  static std::string faults_of(const fs::path& backup) {
    std::string text;
    for (const auto& problem : problems_of(backup)) text += problem.text() + "\n";
    return text;
  }
  static Status restore(const fs::path& backup, const fs::path& place) {
    const auto text = read_file(backup / kManifestFile).value();
    AuditEntry entry;
    entry.action = "restored";
    return restore_backup(backup, Manifest::parse(text, backup).value(), place, "DELETE FROM pair",
                          entry);
  }
  // Opened as a host would, its blobs read, its log followed.
  static void expect_alive(const fs::path& restored) {
    EXPECT_TRUE(expect_restored(restored));
    auto again = Database::open(restored / kDatabaseFile).value();
    auto store = BlobStore::open(again, restored / "blobs").value();
    EXPECT_EQ(store.sweep(), 0u);
    for (const std::string& bytes : {big('a'), big('b'), big('c'), std::string("small")}) {
      const auto blob = store.find(digest_of(as_bytes(bytes))).value();
      ASSERT_TRUE(blob);
      EXPECT_EQ(BlobStore::read_all(*blob), bytes);
    }
    AuditVerifier verifier;
    std::vector<std::string> actions;
    const auto entries = read_audit(again, 0, 100).value();
    for (const auto& entry : entries) {
      verifier.take(entry);
      actions.push_back(entry.action);
    }
    EXPECT_FALSE(verifier.finish());
    EXPECT_THAT(actions, ElementsAre("first", "restored"));
    EXPECT_EQ(read_file(restored / kKeyFile), "secret\n");
    auto pairs = again.prepare("SELECT count(*) FROM pair").value();
    ASSERT_TRUE(pairs.step().value());
    EXPECT_EQ(pairs.column_int(0), 0) << "it was not amended";
  }
  static void flip(const fs::path& file, std::streamoff at) {
    fs::permissions(file, fs::perms(0600));
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(at);
    const char found = static_cast<char>(stream.get());
    stream.seekp(at);
    stream.put(static_cast<char>(found ^ 1));
  }
  static unsigned mode_of(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  fs::path blob_in(const fs::path& folder, const std::string& bytes) const {
    const std::string name = digest_of(as_bytes(bytes)).hex();
    return folder / "blobs" / name.substr(0, 2) / name;
  }

  TempDir dir = TempDir::create().value();
  const fs::path state = dir.path() / "state", to = dir.path() / "copy";
  std::optional<Database> database;
  std::optional<BlobStore> blobs;
};

TEST_F(Backups, HoldWhatAHostIsStartedFromAgain) {
  const Manifest made = back_up(to);
  EXPECT_EQ(made.files, 3u);
  EXPECT_EQ(made.file_bytes, 300'000u);
  EXPECT_EQ(made.linked, 3u);
  EXPECT_EQ(made.audit.seq, 1);
  EXPECT_EQ(made.schema, 2);
  EXPECT_EQ(faults_of(to), "");
  EXPECT_FALSE(fs::exists(to.string() + ".partial"));
  ASSERT_TRUE(restore(to, dir.path() / "new"));
  expect_alive(dir.path() / "new");
}

TEST_F(Backups, AreForTheirOwnerOnly) {
  back_up(to);
  EXPECT_EQ(mode_of(to), 0700u);
  for (const char* name : {kDatabaseFile, kKeyFile, kManifestFile})
    EXPECT_EQ(mode_of(to / name), 0600u) << name;
  EXPECT_EQ(mode_of(blob_in(to, big('a'))), 0400u);
  EXPECT_EQ(mode_of(to / "blobs"), 0700u);
  ASSERT_TRUE(restore(to, dir.path() / "new"));
  EXPECT_EQ(mode_of(dir.path() / "new"), 0700u);
  EXPECT_EQ(mode_of(dir.path() / "new" / kKeyFile), 0600u);
  EXPECT_EQ(mode_of(dir.path() / "new" / kDatabaseFile), 0600u);
}

// A writer that never rests: pairs of rows that belong together, blobs that come and go.
TEST_F(Backups, TakenWhileAWriterWritesAreOfOneMoment) {
  for (int i = 0; i < 24; ++i) {
    auto fill = database->prepare("INSERT INTO filler VALUES(zeroblob(1000000))").value();
    ASSERT_TRUE(fill.run());
  }
#ifdef SKERRY_FAILPOINTS
  ASSERT_TRUE(failpoint::configure("store.backup.pages=sleep(30)"));
#endif
  const auto hold = blobs->hold();
  std::atomic<bool> over = false;
  std::optional<Result<Manifest>> made;
  std::thread thread([&] {
    made = make_backup(request(to));
    over = true;
  });
  int commits = 0;
  std::optional<Digest> last;
  while (!over) {
    auto transaction = database->begin().value();
    for (const int sign : {1, -1}) {
      auto insert = database->prepare("INSERT INTO pair(value) VALUES(?)").value();
      ASSERT_TRUE(insert.bind(1, sign * commits).run());
    }
    if (last) {
      ASSERT_TRUE(blobs->forget(*last));
    }
    const Digest fresh = put(big('x') + std::to_string(commits));
    ASSERT_TRUE(transaction.commit());
    if (last) {
      ASSERT_EQ(blobs->discard(*last).value(), std::nullopt) << "a hold is there";
    }
    last = fresh;
    ++commits;
  }
  thread.join();
#ifdef SKERRY_FAILPOINTS
  ASSERT_TRUE(failpoint::configure(""));
#endif
  ASSERT_TRUE(*made) << made->error().text();
  EXPECT_EQ(faults_of(to), "");
  auto copy = Database::open_unchanging(to / kDatabaseFile).value();
  auto rows = copy.prepare("SELECT count(*), sum(value) FROM pair").value();
  ASSERT_TRUE(rows.step().value());
  EXPECT_EQ(rows.column_int(0) % 2, 0);
  EXPECT_EQ(rows.column_int(1), 0);
  EXPECT_LT(rows.column_int(0), 2 * commits) << "nothing was written meanwhile";
}

TEST_F(Backups, HoldsKeepFilesThatAreGivenUpAndTellOfThemOnce) {
  const Digest digest = digest_of(as_bytes(big('a')));
  auto hold = blobs->hold();
  ASSERT_TRUE(blobs->forget(digest));
  EXPECT_EQ(blobs->discard(digest).value(), std::nullopt);
  EXPECT_TRUE(fs::exists(blobs->file_path(digest)));
  hold.reset();
  EXPECT_THAT(blobs->take_held_back(), ElementsAre(digest));
  EXPECT_TRUE(blobs->take_held_back().empty());
  EXPECT_NE(blobs->discard(digest).value(), std::nullopt);
  EXPECT_FALSE(fs::exists(blobs->file_path(digest)));
}

TEST_F(Backups, OnAnotherDiskAreCopies) {
  if (::access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "there is no second disk here";
  const auto other = TempDir::create("/dev/shm", "skb").value();
  if (on_one_disk(other.path(), dir.path())) GTEST_SKIP() << "there is no second disk here";
  const auto there = other.path() / "copy";
  EXPECT_EQ(back_up(there).linked, 0u);
  EXPECT_EQ(faults_of(there), "");
  EXPECT_EQ(mode_of(blob_in(there, big('a'))), 0400u);
  ASSERT_TRUE(restore(there, dir.path() / "new"));
  expect_alive(dir.path() / "new");

  flip(blob_in(state, big('b')), 500);
  const auto made = make_backup(request(other.path() / "second"));
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().text(), HasSubstr("is damaged"));
  EXPECT_FALSE(fs::exists(other.path() / "second"));
  EXPECT_FALSE(fs::exists(other.path() / "second.partial"));
}

TEST_F(Backups, AreRefusedWhereTheyCannotBe) {
  const auto refusal = [&](const fs::path& place) {
    const auto made = make_backup(request(place));
    return made ? "made" : made.error().text();
  };
  fs::create_directory(dir.path() / "there");
  EXPECT_THAT(refusal(dir.path() / "there"), HasSubstr("this exists"));
  EXPECT_THAT(refusal(state / "copy"), HasSubstr("inside of the state directory"));
  EXPECT_THAT(refusal(dir.path() / "no" / "copy"), HasSubstr("make it first"));
  EXPECT_THAT(refusal("copy"), HasSubstr("an absolute path is wanted"));
}

TEST_F(Backups, SayHowMuchSpaceIsMissing) {
  auto wanted = request(to);
  wanted.keep_free = std::uint64_t{1} << 60;
  const auto made = make_backup(wanted);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::unavailable);
  EXPECT_THAT(made.error().text(), AllOf(HasSubstr("the backup takes"), HasSubstr("must stay free"),
                                         HasSubstr("name a folder on another disk")));
  EXPECT_FALSE(fs::exists(to));
  EXPECT_FALSE(fs::exists(to.string() + ".partial"));
}

TEST_F(Backups, ThatAreCancelledLeaveNothing) {
  auto wanted = request(to);
  wanted.cancelled = [] { return true; };
  EXPECT_EQ(make_backup(wanted).error().code, Code::cancelled);
  EXPECT_FALSE(fs::exists(to.string() + ".partial"));
}

TEST_F(Backups, ToOnePlaceAreWrittenOneAtATime) {
  const auto busy = StateLock::acquire(to.string() + ".partial").value();
  EXPECT_THAT(make_backup(request(to)).error().text(), HasSubstr("is being written there now"));
}

TEST_F(Backups, ThatAreDamagedAreRefusedByWhatIsWrong) {
  struct Damage {
    std::function<void(const fs::path&)> done;
    std::string told;
  };
  const std::string name_a = digest_of(as_bytes(big('a'))).hex();
  const auto edit = [](const std::function<void(Json&)>& change) {
    return [change](const fs::path& copy) {
      Json manifest = parse_json(read_file(copy / kManifestFile).value()).value();
      change(manifest);
      std::ofstream(copy / kManifestFile) << manifest.dump();
    };
  };
  // What a digest cannot find, as it was damaged before the copy was made.
  const auto of_database = [&](const std::function<void(const fs::path&)>& change) {
    return [change](const fs::path& copy) {
      change(copy / kDatabaseFile);
      Json manifest = parse_json(read_file(copy / kManifestFile).value()).value();
      manifest["database"]["digest"] = digest_of_file(copy / kDatabaseFile).value().hex();
      std::ofstream(copy / kManifestFile) << manifest.dump();
    };
  };
  const auto run = [](const std::string& sql) {
    return [sql](const fs::path& file) {
      auto opened = Database::open(file).value();
      EXPECT_TRUE(opened.exec(sql));
    };
  };
  const std::vector<Damage> damages{
      {[](const auto& copy) { fs::remove(copy / kManifestFile); }, "was not finished"},
      {[](const auto& copy) { fs::resize_file(copy / kManifestFile, 40); },
       "manifest.json: the backup's manifest is damaged"},
      {edit([](Json& it) { it.erase("audit"); }), "the backup's manifest is damaged"},
      {edit([](Json& it) { it["database"]["digest"] = "ab"; }), "the backup's manifest is damaged"},
      {edit([](Json& it) { it["format"] = 2; }), "use the Skerry that made it"},
      {edit([](Json& it) { it["blobs"]["files"] = 2; }), "it tells of 2 files"},
      {edit([](Json& it) { it["audit"]["seq"] = 7; }), "the audit log is broken at entry 2"},
      {[](const auto& copy) { flip(copy / kDatabaseFile, 5000); },
       "cloud.db: the database is damaged: its digest is"},
      {[](const auto& copy) { fs::remove(copy / kDatabaseFile); }, "the database is missing"},
      {of_database([](const auto& file) { fs::resize_file(file, 8192); }), "cloud.db"},
      {of_database(run("PRAGMA user_version = 3")), "the backup has schema 3"},
      {edit([](Json& it) { it["database"]["schema"] = 0; }), "the manifest says 0"},
      {of_database(run("DROP TRIGGER audit_changes_nothing; UPDATE audit SET action = 'x'")),
       "the audit log is broken at entry 1"},
      {of_database(run("UPDATE blob SET data = x'00' WHERE data IS NOT NULL")), "is damaged"},
      {[](const auto& copy) { fs::remove(copy / kKeyFile); }, "the cloud's key is missing"},
      {[](const auto& copy) { flip(copy / kKeyFile, 0); }, "the cloud's key is damaged"},
      {[&](const auto& copy) { fs::remove(blob_in(copy, big('a'))); },
       "the file of blob " + name_a + " is gone"},
      {[&](const auto& copy) {
         const auto file = blob_in(copy, big('a'));
         fs::remove(file);  // a name of the state's own bytes
         std::ofstream(file) << "other";
       },
       "blob " + name_a + " is damaged"}};
  int number = 0;
  for (const Damage& damage : damages) {
    const fs::path copy = to.string() + std::to_string(number++);
    back_up(copy);
    damage.done(copy);
    EXPECT_THAT(faults_of(copy), HasSubstr(damage.told)) << number;
  }
  EXPECT_THAT(faults_of(dir.path() / "nowhere"), HasSubstr("there is no backup here"));
  EXPECT_THAT(faults_of(state / kKeyFile), HasSubstr("this is no backup"));
}

TEST_F(Backups, OfADamagedStateAreNotMade) {
  fs::remove(blob_in(state, big('b')));
  const auto made = make_backup(request(to));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::data_loss);
  EXPECT_THAT(made.error().text(), HasSubstr("is not there in full"));
  EXPECT_FALSE(fs::exists(to));
}

TEST_F(Backups, AreRestoredToEmptyDirectoriesOnly) {
  back_up(to);
  const auto refusal = [&](const fs::path& place) {
    const auto possible = check_restore_target(to, place);
    return possible ? "possible" : possible.error().text();
  };
  const auto other = dir.path() / "other";
  EXPECT_EQ(refusal(other), "possible");
  EXPECT_FALSE(fs::exists(other));
  fs::create_directory(other);
  EXPECT_EQ(refusal(other), "possible");
  std::ofstream(other / "mine") << "x";
  EXPECT_THAT(refusal(other), HasSubstr("it has mine. A restore replaces nothing"));
  EXPECT_THAT(restore(to, other).error().text(), HasSubstr("is not empty"));
  EXPECT_TRUE(fs::exists(other / "mine"));
  EXPECT_THAT(refusal(to), HasSubstr("the backup itself"));
  EXPECT_THAT(refusal(to / "state"), HasSubstr("inside of the backup"));
  EXPECT_THAT(refusal(to / kKeyFile), HasSubstr("something else than a directory"));
  const auto lock = StateLock::acquire(dir.path() / "busy").value();
  EXPECT_THAT(refusal(dir.path() / "busy"), HasSubstr("in use by process"));
}

TEST_F(Backups, ThatCannotBeRestoredLeaveTheDirectoryEmpty) {
  back_up(to);
  fs::remove(blob_in(to, big('c')));
  const auto place = dir.path() / "new";
  EXPECT_FALSE(restore(to, place));
  EXPECT_TRUE(expect_restored(place));
  EXPECT_TRUE(check_restore_target(to, place));
}

#ifdef SKERRY_FAILPOINTS

// Runs `work` in a process that dies where the orders say.
bool dies_at(const std::string& name, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!failpoint::configure(name + "=kill@1")) ::_exit(1);
    work();
    ::_exit(2);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
         WTERMSIG(status) == SIGKILL;
}

TEST_F(Backups, ThatAreCutOffLookLikeNone) {
  close();
  for (const std::string name : {"store.backup.pages", "store.backup.database", "store.backup.blob",
                                 "store.backup.key", "store.backup.whole", "store.backup.named"}) {
    const auto place = dir.path() / name;
    ASSERT_TRUE(dies_at(name, [&] {
      open();
      static_cast<void>(make_backup(request(place)));
    })) << name;
    open();
    if (name == "store.backup.named") {
      EXPECT_EQ(faults_of(place), "");
      continue;
    }
    EXPECT_FALSE(fs::exists(place)) << name;
    if (name != "store.backup.whole") {
      EXPECT_THAT(faults_of(place.string() + ".partial"), HasSubstr("was not finished")) << name;
    }
    back_up(place);  // clears what was left
    EXPECT_EQ(faults_of(place), "") << name;
    EXPECT_FALSE(fs::exists(place.string() + ".partial")) << name;
    close();
  }
}

TEST_F(Backups, WhoseRestoreIsCutOffAreRestoredAgain) {
  back_up(to);
  for (const std::string name : {"store.restore.database", "store.restore.blob",
                                 "store.restore.whole", "store.restore.moved"}) {
    const auto place = dir.path() / name;
    ASSERT_TRUE(dies_at(name, [&] { static_cast<void>(restore(to, place)); })) << name;
    const auto refused = expect_restored(place);
    ASSERT_FALSE(refused) << name;
    EXPECT_THAT(refused.error().text(), HasSubstr("was cut off; run `skerry restore"));
    ASSERT_TRUE(restore(to, place)) << name;
    expect_alive(place);
  }
  const auto place = dir.path() / "whole";
  ASSERT_TRUE(dies_at("store.restore.named", [&] { static_cast<void>(restore(to, place)); }));
  expect_alive(place);
}

#endif

}  // namespace
}  // namespace skerry::store
