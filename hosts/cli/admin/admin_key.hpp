// A file with which an operator reaches a cloud from another machine.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.hpp"

namespace skerry::cli {

struct AdminKey {
  std::string name;
  std::string endpoint;    // "tcp://HOST:PORT"
  std::string server_key;  // the cloud's public key, Z85
  std::string secret_key;  // Z85

  // JSON, mode 0600. Refuses a file that others may read, and to replace one that is there.
  Status save(const std::filesystem::path& file) const;
  static Result<AdminKey> load(const std::filesystem::path& file);
};

}  // namespace skerry::cli
