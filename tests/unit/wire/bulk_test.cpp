// Blobs between cloud and edges.
#include <gtest/gtest.h>

#include "core/wire/envelope.hpp"
#include "core/wire/monitor.hpp"
#include "core/wire/sockets.hpp"
#include "tests/unit/wire/bulk_support.hpp"

namespace skerry::wire {
namespace {

constexpr std::size_t kSizes[] = {0, 1, kChunkSize - 1, kChunkSize, 3 * 1024 * 1024 + 1};

TEST_F(BulkTest, GetsBlobsOfEverySize) {
  const auto client = client_of(net.edge_1);
  for (const std::size_t size : kSizes) {
    const std::string content = noise(size);
    const Digest digest = digest_of_text(content);
    backend.add(digest, content);
    const auto file = edge_dir.path() / digest.hex();
    const auto moved = get(*client, digest, file);
    ASSERT_TRUE(moved) << moved.error().text();
    EXPECT_EQ(*moved, size);
    EXPECT_EQ(read_file(file).value(), content);
  }
  EXPECT_EQ(server->counters().malformed, 0u);
  EXPECT_EQ(server->counters().dropped, 0u);
}

TEST_F(BulkTest, PutsBlobsOfEverySize) {
  const auto client = client_of(net.edge_1);
  for (const std::size_t size : kSizes) {
    const std::string content = noise(size);
    const Digest digest = digest_of_text(content);
    const auto moved = put(*client, digest, content);
    ASSERT_TRUE(moved) << moved.error().text();
    EXPECT_EQ(*moved, size);
    EXPECT_EQ(read_file(backend.blob(digest)).value(), content);
    EXPECT_FALSE(std::filesystem::exists(backend.staging(digest)));
  }
  EXPECT_EQ(server->counters().uploads_completed, std::size(kSizes));
}

TEST_F(BulkTest, PutsBytesFromMemory) {
  const auto client = client_of(net.edge_1);
  const std::string content = noise(600000);
  const Digest digest = digest_of_text(content);
  client->put_bytes(digest, content, into_outcomes());
  EXPECT_EQ(outcome().value(), content.size());
  EXPECT_EQ(read_file(backend.blob(digest)).value(), content);
}

TEST_F(BulkTest, SendsNothingThatIsThereAlready) {
  const std::string content = noise(500000);
  const Digest digest = digest_of_text(content);
  backend.add(digest, content);
  const auto client = client_of(net.edge_1);
  EXPECT_EQ(put(*client, digest, content).value(), 0u);
  const auto file = edge_dir.path() / "here";
  ASSERT_TRUE(write_file_durably(file, std::string_view(content)));
  EXPECT_EQ(get(*client, digest, file).value(), 0u);
}

TEST_F(BulkTest, RunsManyTransfersAtOnce) {
  const auto one = client_of(net.edge_1);
  const auto two = client_of(net.edge_2);
  constexpr int kEach = 8;
  for (int i = 0; i < kEach; ++i) {
    const std::string down = noise(700000 + static_cast<std::size_t>(i));
    const std::string up = noise(900000 + static_cast<std::size_t>(i));
    backend.add(digest_of_text(down), down);
    one->get(digest_of_text(down), edge_dir.path() / ("one" + std::to_string(i)), into_outcomes());
    two->get(digest_of_text(down), edge_dir.path() / ("two" + std::to_string(i)), into_outcomes());
    one->put_bytes(digest_of_text(up), up, into_outcomes());
  }
  for (int i = 0; i < 3 * kEach; ++i) ASSERT_TRUE(outcome());
}

TEST_F(BulkTest, StoresOneBlobOfTwoEdgesOnce) {
  const auto one = client_of(net.edge_1);
  const auto two = client_of(net.edge_2);
  const std::string content = noise(4 << 20);
  const Digest digest = digest_of_text(content);
  one->put_bytes(digest, content, into_outcomes());
  two->put_bytes(digest, content, into_outcomes());
  EXPECT_TRUE(outcome());
  EXPECT_TRUE(outcome());
  EXPECT_EQ(server->counters().uploads_completed, 1u);
  EXPECT_EQ(read_file(backend.blob(digest)).value(), content);
}

TEST_F(BulkTest, ADownloadGoesOnWhenTheServerComesBack) {
  const std::string content = noise(64 << 20);
  const Digest digest = digest_of_text(content);
  backend.add(digest, content);
  const auto client = client_of(net.edge_1);
  const auto file = edge_dir.path() / "blob";
  client->get(digest, file, into_outcomes());
  ASSERT_TRUE(eventually([&] { return server->counters().bytes_sent > 4 << 20; }));
  const auto first = server->counters().bytes_sent;
  server.reset();
  ASSERT_TRUE(outcomes.empty()) << "the blob was too small to interrupt its transfer";
  server = start_server(endpoint);
  const auto moved = outcome();
  ASSERT_TRUE(moved) << moved.error().text();
  EXPECT_EQ(*moved, content.size());
  EXPECT_EQ(read_file(file).value(), content);
  // What was on its way when the server went, and no more, was sent twice.
  EXPECT_LE(server->counters().bytes_sent, content.size() - first + (8 << 20));
}

TEST_F(BulkTest, AnUploadGoesOnWhenTheServerComesBack) {
  const std::string content = noise(64 << 20);
  const Digest digest = digest_of_text(content);
  const auto client = client_of(net.edge_1);
  client->put_bytes(digest, content, into_outcomes());
  ASSERT_TRUE(eventually([&] { return server->counters().bytes_received > 12 << 20; }));
  server.reset();
  ASSERT_TRUE(outcomes.empty()) << "the blob was too small to interrupt its transfer";
  const auto kept = std::filesystem::file_size(backend.staging(digest));
  EXPECT_GE(kept, 8u << 20);
  server = start_server(endpoint);
  const auto moved = outcome();
  ASSERT_TRUE(moved) << moved.error().text();
  EXPECT_LE(*moved, content.size() + (8 << 20));
  EXPECT_LE(server->counters().bytes_received, content.size() - kept + (8 << 20));
  EXPECT_EQ(read_file(backend.blob(digest)).value(), content);
}

// How far an upload gets before it is cut is the scheduler's to say: one that ends sooner is
// followed by another.
TEST_F(BulkTest, AnUploadThatIsCutTenTimesSendsLittleTwice) {
  constexpr int kCuts = 10;
  const auto client = client_of(net.edge_1);
  std::uint64_t uploaded = 0, moved = 0;
  const auto count = [&](const Result<std::uint64_t>& end) {
    ASSERT_TRUE(end) << end.error().text();
    moved += *end;
  };
  int cuts = 0;
  for (std::size_t blob = 0; cuts < kCuts; ++blob) {
    const std::string content = noise((96u << 20) + blob);
    const Digest digest = digest_of_text(content);
    uploaded += content.size();
    client->put_bytes(digest, content, into_outcomes());
    while (cuts < kCuts && outcomes.empty()) {
      const auto before = server->counters().bytes_received;
      ASSERT_TRUE(eventually([&] {
        return !outcomes.empty() || server->counters().bytes_received > before + (1 << 20);
      }));
      if (!outcomes.empty()) break;
      server.reset();
      ++cuts;
      server = start_server(endpoint);
    }
    count(outcome());
    EXPECT_EQ(read_file(backend.blob(digest)).value(), content);
  }
  EXPECT_LE(moved, uploaded + kCuts * (8 << 20));
}

// Of one edge as of several: what is large goes on beside what is small.
TEST_F(BulkTest, AHugeUploadDoesNotStarveSmallOnes) {
  Mailbox<Result<std::uint64_t>> huge_outcomes;  // outlives the clients, which write to it
  const auto one = client_of(net.edge_1);
  const auto two = client_of(net.edge_2);
  const std::string huge = noise(256 << 20);
  one->put_bytes(digest_of_text(huge), huge,
                 [&](Result<std::uint64_t> outcome) { huge_outcomes.put(std::move(outcome)); });
  ASSERT_TRUE(eventually([&] { return server->counters().bytes_received > 8 << 20; }));
  const auto before = server->counters().bytes_received;
  std::uint64_t small_bytes = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const std::string small = noise((1 << 20) + i);
    small_bytes += small.size();
    (i % 2 ? one : two)->put_bytes(digest_of_text(small), small, into_outcomes());
  }
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(outcome());
  const auto of_huge = server->counters().bytes_received - before - small_bytes;
  EXPECT_TRUE(huge_outcomes.empty());
  EXPECT_LT(of_huge, 96u << 20);  // it had its share, and not all
  one->cancel_put(digest_of_text(huge));
  EXPECT_TRUE(huge_outcomes.take());
}

TEST_F(BulkTest, CancelsAGetAndLeavesThePutOfTheSameBlob) {
  server.reset();
  const auto client = client_of(net.edge_1);
  const std::string content = noise(1 << 20);
  const Digest digest = digest_of_text(content);
  client->get(digest, edge_dir.path() / "blob", into_outcomes());
  Mailbox<Result<std::uint64_t>> puts;
  client->put_bytes(digest, content,
                    [&](Result<std::uint64_t> outcome) { puts.put(std::move(outcome)); });
  client->cancel_get(digest);
  EXPECT_EQ(outcome().error().code, Code::cancelled);
  server = start_server(endpoint);
  const auto put = puts.take();
  ASSERT_TRUE(put);
  EXPECT_EQ(put->value(), content.size());
}

TEST_F(BulkTest, ANewClientGoesOnWhereTheLastOneStopped) {
  const std::string content = noise(64 << 20);
  const Digest digest = digest_of_text(content);
  backend.add(digest, content);
  const auto file = edge_dir.path() / "blob";
  {
    const auto client = client_of(net.edge_1);
    client->get(digest, file, into_outcomes());
    ASSERT_TRUE(eventually([&] { return server->counters().bytes_sent > 8 << 20; }));
    client->cancel_get(digest);
    const auto cancelled = outcome();
    ASSERT_FALSE(cancelled);
    EXPECT_EQ(cancelled.error().code, Code::cancelled);
  }
  const auto there = std::filesystem::file_size(file);
  ASSERT_GT(there, 0u);
  const auto client = client_of(net.edge_1);
  EXPECT_EQ(get(*client, digest, file).value(), content.size() - there);
  EXPECT_EQ(read_file(file).value(), content);
}

TEST_F(BulkTest, WaitsForACloudThatIsNotThereYet) {
  server.reset();
  const std::string content = noise(1000000);
  const Digest digest = digest_of_text(content);
  const auto client = client_of(net.edge_1);
  client->put_bytes(digest, content, into_outcomes());
  server = start_server(endpoint);
  EXPECT_TRUE(outcome());
}

TEST_F(BulkTest, DamagedPartialFilesAreReplaced) {
  const auto client = client_of(net.edge_1);
  const std::string content = noise(1 << 20);
  const Digest digest = digest_of_text(content);
  for (const std::size_t size : {std::size_t{1000}, content.size(), content.size() + 5}) {
    const std::string garbage(size, 'g');
    ASSERT_TRUE(write_file_durably(backend.staging(digest), std::string_view(garbage)));
    ASSERT_TRUE(put(*client, digest, content)) << size;
    const auto file = edge_dir.path() / "blob";
    ASSERT_TRUE(write_file_durably(file, std::string_view(garbage)));
    ASSERT_TRUE(get(*client, digest, file)) << size;
    EXPECT_EQ(read_file(file).value(), content);
    std::filesystem::remove(backend.blob(digest));
  }
}

TEST_F(BulkTest, RefusesAnUploadWithAnotherDigest) {
  const auto client = client_of(net.edge_1);
  const std::string content = noise(1 << 20);
  const Digest wrong = digest_of_text("something else");
  const auto refused = put(*client, wrong, content);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::data_loss);
  EXPECT_NE(refused.error().message.find("digest mismatch"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(backend.staging(wrong)));
  EXPECT_FALSE(std::filesystem::exists(backend.blob(wrong)));
}

TEST_F(BulkTest, RefusesADownloadWithAnotherDigest) {
  const auto client = client_of(net.edge_1);
  const Digest wrong = digest_of_text("something else");
  backend.add(wrong, noise(1 << 20));
  const auto file = edge_dir.path() / "blob";
  const auto refused = get(*client, wrong, file);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::data_loss);
  EXPECT_EQ(std::filesystem::file_size(file), 0u);
}

TEST_F(BulkTest, ReportsWhatIsNotThereOrNotAllowed) {
  const auto client = client_of(net.edge_1);
  const Digest digest = digest_of_text("content");
  EXPECT_EQ(get(*client, digest, edge_dir.path() / "a").error().code, Code::not_found);
  backend.add(digest, "content");
  backend.deny("edge-1");
  const auto denied = get(*client, digest, edge_dir.path() / "a");
  EXPECT_EQ(denied.error().code, Code::permission_denied);
  EXPECT_NE(denied.error().message.find("edge-1 has no task"), std::string::npos);
  EXPECT_EQ(put(*client, digest_of_text("x"), "x").error().code, Code::permission_denied);
  EXPECT_EQ(server->counters().refused, 3u);
}

TEST_F(BulkTest, ReportsLocalFilesThatCannotBeUsed) {
  const auto client = client_of(net.edge_1);
  const Digest digest = digest_of_text("content");
  EXPECT_FALSE(get(*client, digest, edge_dir.path() / "no" / "such" / "folder"));
  client->put(digest, edge_dir.path() / "absent", 10, into_outcomes());
  EXPECT_EQ(outcome().error().code, Code::not_found);
  const auto brief = edge_dir.path() / "short";
  ASSERT_TRUE(write_file_durably(brief, std::string_view("short")));
  client->put(digest, brief, 10, into_outcomes());
  EXPECT_EQ(outcome().error().code, Code::data_loss);
}

TEST_F(BulkTest, RefusesASecondGetOfOneBlob) {
  server.reset();
  const auto client = client_of(net.edge_1);
  const Digest digest = digest_of_text("content");
  client->get(digest, edge_dir.path() / "a", into_outcomes());
  client->get(digest, edge_dir.path() / "b", into_outcomes());
  EXPECT_EQ(outcome().error().code, Code::already_exists);
  client->cancel_get(digest);
  EXPECT_EQ(outcome().error().code, Code::cancelled);
}

TEST_F(BulkTest, ADyingClientEndsItsTransfers) {
  server.reset();
  auto client = client_of(net.edge_1);
  client->get(digest_of_text("content"), edge_dir.path() / "a", into_outcomes());
  client.reset();
  EXPECT_EQ(outcome().error().code, Code::cancelled);
}

TEST_F(BulkTest, AClientIsConnectedWhileItHasTransfersAndNotForLongAfter) {
  const auto event_of = [](Monitor& monitor) {
    std::optional<std::uint16_t> event;
    EXPECT_TRUE(eventually([&] { return (event = monitor.take()).has_value(); }));
    return event.value_or(0);
  };
  auto router =
      make_router(net.cloud_context, "tcp://127.0.0.1:*", &net.cloud, {kBulkLimit, 10, 10}).value();
  auto monitor = Monitor::open(net.cloud_context, router).value();
  const auto client = BulkClient::start(net.edge_context, bound_endpoint(router), net.edge_1,
                                        net.cloud.public_key, std::chrono::milliseconds(20))
                          .value();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(monitor.take());
  for (int round = 0; round < 2; ++round) {
    const Digest digest = digest_of(as_bytes(std::to_string(round)));
    client->get(digest, edge_dir.path() / "got", into_outcomes());
    EXPECT_EQ(event_of(monitor), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    client->cancel_get(digest);
    EXPECT_FALSE(outcome());
    EXPECT_EQ(event_of(monitor), ZMQ_EVENT_DISCONNECTED);
  }
}

TEST_F(BulkTest, StrangersGetNothing) {
  const auto stranger = client_of(new_key());
  const Digest digest = digest_of_text("content");
  backend.add(digest, "content");
  stranger->get(digest, edge_dir.path() / "a", into_outcomes());
  ASSERT_TRUE(net.refusals.take());
  EXPECT_TRUE(get(*client_of(net.edge_1), digest, edge_dir.path() / "b"));
  EXPECT_TRUE(outcomes.empty());
  EXPECT_EQ(server->counters().bytes_sent, 7u);
}

TEST_F(BulkTest, CountsNonsenseAndGoesOn) {
  zmq::socket_t rogue(net.edge_context, zmq::socket_type::dealer);
  set_limits(rogue, {kBulkLimit, 100, 100}, endpoint);
  set_curve_client(rogue, net.edge_2, net.cloud.public_key);
  rogue.connect(endpoint);
  std::string broken = frame(0, 1, 0, BlobGet{});
  broken.back() ^= 1;
  for (const std::string& bytes : {std::string("nonsense"), frame(Header{Type::blob_get}, "x"),
                                   frame(Header{Type::hello}, "x"), broken}) {
    rogue.send(zmq::buffer(bytes), zmq::send_flags::none);
  }
  EXPECT_TRUE(eventually([&] { return server->counters().malformed == 4; }));
  const auto client = client_of(net.edge_1);
  EXPECT_TRUE(put(*client, digest_of_text("x"), "x"));
}

}  // namespace
}  // namespace skerry::wire
