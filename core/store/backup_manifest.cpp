#include <fmt/format.h>

#include "core/base/try.hpp"
#include "core/store/backup.hpp"

namespace skerry::store {
namespace {

tl::unexpected<Problem> damaged(const std::filesystem::path& file, const std::string& found) {
  return fail(Code::data_loss, "the backup's manifest is damaged: " + found, file.string());
}

Manifest read(const Json& json) {
  const auto& database = json.at("database");
  const auto& blobs = json.at("blobs");
  const auto& audit = json.at("audit");
  Manifest manifest;
  manifest.version = json.at("skerry").get<std::string>();
  manifest.created = json.at("created").get<std::string>();
  manifest.public_key = json.at("publicKey").get<std::string>();
  manifest.schema = database.at("schema").get<std::int64_t>();
  manifest.database = Digest::from_hex(database.at("digest").get<std::string>()).value();
  manifest.database_bytes = database.at("bytes").get<std::uint64_t>();
  manifest.files = blobs.at("files").get<std::uint64_t>();
  manifest.file_bytes = blobs.at("bytes").get<std::uint64_t>();
  manifest.linked = blobs.at("linked").get<std::uint64_t>();
  manifest.audit.seq = audit.at("seq").get<std::int64_t>();
  manifest.audit.hash = Digest::from_hex(audit.at("hash").get<std::string>()).value();
  return manifest;
}

}  // namespace

Json Manifest::to_json() const {
  return {{"format", kBackupFormat},
          {"skerry", version},
          {"created", created},
          {"publicKey", public_key},
          {"database", {{"digest", database.hex()}, {"bytes", database_bytes}, {"schema", schema}}},
          {"blobs", {{"files", files}, {"bytes", file_bytes}, {"linked", linked}}},
          {"audit", {{"seq", audit.seq}, {"hash", audit.hash.hex()}}}};
}

Result<Manifest> Manifest::parse(const std::string& text, const std::filesystem::path& file) {
  const auto json = parse_json(text);
  if (!json) return damaged(file, json.error().message);
  try {
    const auto format = json->at("format").get<std::int64_t>();
    if (format != kBackupFormat) {
      return fail(Code::failed_precondition,
                  fmt::format("this backup has format {}, this program reads format {}; use the "
                              "Skerry that made it",
                              format, kBackupFormat),
                  file.string());
    }
    return read(*json);
  } catch (const Json::exception& error) {
    const std::string_view what = error.what();  // "[json.exception.NAME.NUMBER] text"
    const auto name_ends = what.find("] ");
    return damaged(
        file, std::string(what.substr(name_ends == std::string_view::npos ? 0 : name_ends + 2)));
  } catch (const tl::bad_expected_access<Problem>& error) {
    return damaged(file, error.error().message);
  }
}

}  // namespace skerry::store
