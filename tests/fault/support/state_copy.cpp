#include "tests/fault/support/state_copy.hpp"

#include <stdexcept>

#include "tests/fault/support/memory_folder.hpp"

namespace skerry::fault {

namespace fs = std::filesystem;

void expect(const Status& status) {
  if (!status) throw std::runtime_error(status.error().text());
}

StateCopy::StateCopy(fs::path state, const std::string& name)
    : directory_(std::move(state)), copy_(expect(memory_folder())) {
  const std::string file = name + ".db";
  // A database that was just being made has a journal of the old kind.
  for (const char* end : {"", "-wal", "-journal"}) {
    const fs::path from = directory_ / (file + end);
    if (fs::exists(from)) fs::copy_file(from, copy_.path() / (file + end));
  }
  if (!fs::exists(copy_.path() / file))
    throw std::runtime_error(directory_.string() + " holds no " + file);
  database_ = expect(store::Database::open(copy_.path() / file));
  if (has_table("blob")) load_blobs();
}

store::Statement StateCopy::sql(std::string_view text) {
  return expect(database_->prepare(text));
}

std::optional<std::int64_t> StateCopy::number(std::string_view text) {
  auto select = sql(text);
  if (!expect(select.step()) || select.column_is_null(0)) return std::nullopt;
  return select.column_int(0);
}

std::string StateCopy::meta(const std::string& key) {
  auto select = sql("SELECT value FROM meta WHERE key = ?");
  select.bind(1, key);
  return expect(select.step()) ? select.column_text(0) : std::string();
}

bool StateCopy::has_table(const std::string& name) {
  auto select = sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
  select.bind(1, name);
  return expect(select.step());
}

void StateCopy::load_blobs() {
  auto select = sql("SELECT digest, size, data FROM blob");
  while (expect(select.step())) {
    Blob blob{static_cast<std::uint64_t>(select.column_int(1)), std::nullopt};
    if (!select.column_is_null(2)) blob.inline_data = select.column_blob(2);
    blobs_[expect(select.column_digest(0))] = std::move(blob);
  }
}

fs::path StateCopy::blob_file(const Digest& digest) const {
  const std::string name = digest.hex();
  return directory_ / "blobs" / name.substr(0, 2) / name;
}

std::optional<std::string> StateCopy::bytes(const Digest& digest) const {
  const auto blob = blobs_.find(digest);
  if (blob == blobs_.end()) return std::nullopt;
  if (blob->second.inline_data) return blob->second.inline_data;
  auto text = read_file(blob_file(digest));
  if (!text) return std::nullopt;
  return std::move(*text);
}

}  // namespace skerry::fault
