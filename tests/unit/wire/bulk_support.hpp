// A cloud that keeps blobs in a folder, and what the bulk tests do with it.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/base/file.hpp"
#include "core/wire/bulk_client.hpp"
#include "core/wire/bulk_server.hpp"
#include "tests/unit/wire/support.hpp"

namespace skerry::wire {

inline Digest digest_of_text(std::string_view text) {
  return digest_of(as_bytes(text));
}

// The same bytes for the same size, on every machine.
inline std::string noise(std::size_t size) {
  std::mt19937_64 random(size);
  std::string out;
  out.reserve(size + 8);
  while (out.size() < size) {
    const std::uint64_t word = random();
    out.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  out.resize(size);
  return out;
}

// Blobs in files named by digest; partial uploads in files named by digest and user.
class FolderBackend : public BulkBackend {
 public:
  FolderBackend() {
    std::filesystem::create_directories(dir_.path() / "blobs");
    std::filesystem::create_directories(dir_.path() / "staging");
  }

  std::filesystem::path blob(const Digest& digest) const {
    return dir_.path() / "blobs" / digest.hex();
  }
  std::filesystem::path staging(const Digest& digest) const {
    return dir_.path() / "staging" / digest.hex();
  }
  void add(const Digest& digest, std::string_view content) {
    ASSERT_TRUE(write_file_durably(blob(digest), content));
  }
  void deny(const std::string& user) {
    std::lock_guard lock(mutex_);
    denied_.insert(user);
  }

  void resolve(const std::string& user, const Digest& digest,
               std::function<void(Result<BulkSource>)> done) override {
    if (is_denied(user)) return done(denial(user));
    if (!std::filesystem::exists(blob(digest))) {
      return done(fail(Code::not_found, "no blob " + digest.hex()));
    }
    const auto size = std::filesystem::file_size(blob(digest));
    if (size > 1000) return done(BulkSource{blob(digest), size, {}});
    done(BulkSource{{}, size, read_file(blob(digest)).value()});
  }

  // From another thread, as a store would.
  void admit(const std::string& user, const Digest& digest, std::uint64_t,
             std::function<void(Result<BulkTarget>)> done) override {
    std::thread([this, user, digest, done] {
      if (is_denied(user)) return done(denial(user));
      done(BulkTarget{std::filesystem::exists(blob(digest)), staging(digest)});
    }).detach();
  }

  void received(const std::string&, const Digest& digest, std::uint64_t, std::filesystem::path file,
                std::function<void(Status)> done) override {
    std::filesystem::rename(file, blob(digest));
    done({});
  }

 private:
  bool is_denied(const std::string& user) {
    std::lock_guard lock(mutex_);
    return denied_.contains(user);
  }
  static tl::unexpected<Problem> denial(const std::string& user) {
    return fail(Code::permission_denied, user + " has no task that needs it");
  }

  TempDir dir_ = TempDir::create().value();
  std::mutex mutex_;
  std::set<std::string> denied_;
};

class BulkTest : public testing::Test {
 protected:
  FolderBackend backend;
  TempDir edge_dir = TempDir::create().value();
  Network net;
  std::unique_ptr<BulkServer> server = start_server("tcp://127.0.0.1:*");
  std::string endpoint = server->endpoint();
  Mailbox<Result<std::uint64_t>> outcomes;

  std::unique_ptr<BulkServer> start_server(const std::string& at) {
    std::unique_ptr<BulkServer> started;
    // A port is free again only once libzmq has closed the last server's listener.
    EXPECT_TRUE(eventually([&] {
      auto result = BulkServer::start(net.cloud_context, at, net.cloud, backend);
      if (result) started = std::move(*result);
      return started != nullptr;
    }));
    return started;
  }

  std::unique_ptr<BulkClient> client_of(const KeyPair& key) {
    return BulkClient::start(net.edge_context, endpoint, key, net.cloud.public_key).value();
  }

  BulkClient::Done into_outcomes() {
    return [this](Result<std::uint64_t> outcome) { outcomes.put(std::move(outcome)); };
  }

  Result<std::uint64_t> outcome() {
    auto taken = outcomes.take();
    if (!taken) return fail(Code::deadline_exceeded, "no outcome");
    return *taken;
  }

  Result<std::uint64_t> get(BulkClient& client, const Digest& digest,
                            const std::filesystem::path& file) {
    client.get(digest, file, into_outcomes());
    return outcome();
  }

  Result<std::uint64_t> put(BulkClient& client, const Digest& digest, const std::string& content) {
    const auto file = edge_dir.path() / ("put-" + digest.hex());
    EXPECT_TRUE(write_file_durably(file, std::string_view(content)));
    client.put(digest, file, content.size(), into_outcomes());
    return outcome();
  }
};

}  // namespace skerry::wire
