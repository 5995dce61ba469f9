#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "hosts/cli/admin/admin_key.hpp"

namespace skerry::cli {

// Asks a cloud: on this machine over the socket in its state directory, or anywhere with an admin
// key. One question at a time, from one thread.
class AdminClient {
 public:
  using Reply = tl::expected<Json, std::vector<Problem>>;
  static constexpr std::chrono::milliseconds kPatience{15'000};

  // Fails at once when no cloud listens there.
  static Result<AdminClient> connect(const std::filesystem::path& state_dir);
  // Fails when the cloud does not let this key in, or none answers within a few seconds.
  static Result<AdminClient> connect(const AdminKey& key);

  AdminClient(AdminClient&&) noexcept;
  AdminClient& operator=(AdminClient&&) noexcept;
  ~AdminClient();

  // Cancelled when a signal arrives meanwhile (see Interrupt). An answer that comes too late is
  // dropped.
  Reply call(const std::string& verb, const Json& body,
             std::chrono::milliseconds patience = kPatience);

  const std::string& endpoint() const;

 private:
  struct Connection;
  explicit AdminClient(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

// The first problem of a failed reply, as a Result.
Result<Json> first_problem(AdminClient::Reply reply);

}  // namespace skerry::cli
