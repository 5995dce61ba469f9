#include "tests/fault/support/good_state.hpp"

#include <fmt/format.h>

#include "core/base/crypto.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/engine/edge/tables.hpp"
#include "core/tensor/safetensors.hpp"
#include "tests/fault/support/state_copy.hpp"

namespace skerry::fault {
namespace {

constexpr int kElements = 10'000;  // 40 kB: a blob with a file
constexpr const char* kNodes[] = {"a", "b"};

// Both have as many samples: a round's model is the mean of these, which is exact.
float value_of(int round, int node) {
  return static_cast<float>(4 * round + 2 * node);
}
float value_of_model(int round) {
  return round == 0 ? 0.0f : (value_of(round, 0) + value_of(round, 1)) / 2;
}

std::string tensors(float value) {
  std::vector<tensor::TensorSpec> specs{{.name = "w", .dtype = "F32", .shape = {kElements}}};
  std::string file = tensor::encode_header(specs);
  const std::vector<float> values(kElements, value);
  return file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

Digest put(store::BlobStore& blobs, const std::string& bytes) {
  const Digest digest = digest_of(as_bytes(bytes));
  expect(blobs.put(as_bytes(bytes), digest));
  return digest;
}

Json artifact(const Digest& digest) {
  return {{"digest", digest.hex()}, {"size", tensors(0).size()}};
}

}  // namespace

GoodState::GoodState(const std::filesystem::path& folder) : folder_(folder) {
  expect(init_sodium());
  write_cloud();
  for (const char* node : kNodes) write_edge(node);
}

States GoodState::states() const {
  return {folder_ / "cloud", {folder_ / "a", folder_ / "b"}};
}

void GoodState::change(const std::string& host, const std::string& sql) const {
  const std::string file = host == "cloud" ? "cloud.db" : "edge.db";
  expect(expect(store::Database::open(folder_ / host / file)).exec(sql));
}

std::filesystem::path GoodState::blob_file(const Digest& digest) const {
  return folder_ / "cloud" / "blobs" / digest.hex().substr(0, 2) / digest.hex();
}

void GoodState::write_cloud() {
  expect(make_directories(folder_ / "cloud"));
  auto cloud = expect(store::Database::open(folder_ / "cloud" / "cloud.db"));
  expect(cloud.migrate(engine::cloud::kMigrations));
  auto blobs = expect(store::BlobStore::open(cloud, folder_ / "cloud" / "blobs"));
  expect(cloud.exec("INSERT INTO meta VALUES('epoch', 'e')"));
  for (const char* node : kNodes) {
    expect(store::append_audit(
        cloud, {.time = "now", .actor = "operator", .action = "test", .subject = node}));
    expect(cloud.exec(
        fmt::format("INSERT INTO node(name, public_key, joined, outbox, uplink_seq, downlink_seq) "
                    "VALUES('{0}', 'key of {0}', '', 'outbox of {0}', 2, 3);"
                    "INSERT INTO downlink VALUES('{0}', 3, 35, x'00')",
                    node)));
  }
  const Json plan = {
      {"workflow", "federated"},
      {"spec", {{"aggregation", {{"plugin", "fedavg"}, {"config", Json::object()}}}}}};
  auto job =
      expect(cloud.prepare("INSERT INTO job VALUES(1, 'test', 'FederatedLearningJob', ?, '', "
                           "'Succeeded', '', x'', 6, 0, "
                           "'', 0, 0)"));
  expect(job.bind(1, dump_json(plan)).run());
  models_.push_back(put(blobs, tensors(value_of_model(0))));
  for (int round = 1; round <= 2; ++round) write_round(cloud, blobs, round);
}

void GoodState::write_round(store::Database& cloud, store::BlobStore& blobs, int round) {
  Json params = {{"updates", Json::array()}};
  Json inputs = {{"base", model(round - 1).hex()}};
  for (int node = 0; node < 2; ++node) {
    updates_.push_back(put(blobs, tensors(value_of(round, node))));
    const Digest& digest = updates_.back();
    write_task(cloud, fmt::format("{}/train/{}", round, kNodes[node]), kNodes[node],
               {{"round", round}}, {{"model", model(round - 1).hex()}},
               {{"artifacts", {{"update", artifact(digest)}}}, {"result", {{"samples", 8}}}});
    params["updates"].push_back({{"node", kNodes[node]}, {"samples", 8}, {"loss", 0.5}});
    inputs[fmt::format("u{}", node)] = digest.hex();
  }
  models_.push_back(put(blobs, tensors(value_of_model(round))));
  write_task(cloud, fmt::format("{}/aggregate", round), "cloud", params, inputs,
             {{"artifacts", {{"model", artifact(model(round))}}}, {"result", Json::object()}});
  const Json record = {
      {"round", round}, {"participants", {"a", "b"}}, {"model", model(round).hex()}};
  auto insert = expect(cloud.prepare("INSERT INTO record VALUES(1, ?, ?)"));
  expect(insert.bind(1, round).bind(2, dump_json(record)).run());
  auto published = expect(cloud.prepare("INSERT INTO model VALUES(1, ?, ?, '{}', '')"));
  expect(published.bind(1, round).bind(2, model(round)).run());
}

void GoodState::write_task(store::Database& cloud, const std::string& id, const std::string& node,
                           const Json& params, const Json& inputs, const Json& event) {
  auto insert =
      expect(cloud.prepare("INSERT INTO task(job, id, node, kind, state, message, params, inputs, "
                           "expects, downlink_seq) "
                           "VALUES(1, ?, ?, 'test', 'finished', '', ?, ?, '{}', 1)"));
  expect(
      insert.bind(1, id).bind(2, node).bind(3, dump_json(params)).bind(4, dump_json(inputs)).run());
  Json finished = event;
  finished["type"] = "TaskFinished";
  finished["task"] = id;
  finished["node"] = node;
  auto told = expect(cloud.prepare("INSERT INTO event VALUES(1, ?, ?)"));
  expect(told.bind(1, ++events_).bind(2, dump_json(finished)).run());
}

void GoodState::write_edge(const std::string& node) const {
  expect(make_directories(folder_ / node));
  auto database = expect(store::Database::open(folder_ / node / "edge.db"));
  expect(database.migrate(engine::edge::kMigrations));
  auto blobs = expect(store::BlobStore::open(database, folder_ / node / "blobs"));
  expect(database.exec(fmt::format(
      "INSERT INTO meta VALUES('node', '{0}'), ('outbox', 'outbox of {0}'), ('cloud_epoch', 'e'), "
      "('inbox_seq', '3'), ('next_seq', '4');"
      "INSERT INTO outbox VALUES(3, 16, x'00', 'gone.7', '9/train/{0}');"
      "INSERT INTO task(job, id, state, message) VALUES('gone.7', '9/train/{0}', 'reported', "
      "x'00')",
      node)));
  const std::string bytes = tensors(1);
  const Digest digest = put(blobs, bytes);
  auto held = expect(database.prepare("INSERT INTO held VALUES('test.1', ?)"));
  expect(held.bind(1, digest).run());
}

}  // namespace skerry::fault
