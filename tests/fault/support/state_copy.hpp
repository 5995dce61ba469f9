// The durable record of a host that has stopped, opened from a copy: what is examined stays as the
// crash left it, its write-ahead log included.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/store/database.hpp"

namespace skerry::fault {

struct Blob {
  std::uint64_t size = 0;
  std::optional<std::string> inline_data;
};

// Functions here throw std::runtime_error where the record cannot be read.
class StateCopy {
 public:
  // `name`: "cloud" or "edge".
  StateCopy(std::filesystem::path state, const std::string& name);

  store::Database& database() { return *database_; }
  store::Statement sql(std::string_view text);
  // Of the first column of the first row; none where there is no row.
  std::optional<std::int64_t> number(std::string_view text);
  std::string meta(const std::string& key);
  bool has_table(const std::string& name);

  const std::map<Digest, Blob>& blobs() const { return blobs_; }
  std::filesystem::path blob_file(const Digest& digest) const;
  // Its bytes, whether or not they match. None: there is no row, or its file is gone.
  std::optional<std::string> bytes(const Digest& digest) const;

  const std::filesystem::path& directory() const { return directory_; }

 private:
  void load_blobs();

  std::filesystem::path directory_;
  TempDir copy_;
  std::optional<store::Database> database_;
  std::map<Digest, Blob> blobs_;
};

// The value, or its problem as an exception.
void expect(const Status& status);
template <class T>
T expect(Result<T> result) {
  if (!result) expect(Status(fail(result.error())));
  return std::move(*result);
}

}  // namespace skerry::fault
