#include "hosts/cli/admin/admin_key.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/base/try.hpp"
#include "core/wire/keys.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {

Status AdminKey::save(const std::filesystem::path& file) const {
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    return fail(Code::already_exists, "the file exists; name another one with --to", file.string());
  }
  const Json json{
      {"name", name}, {"endpoint", endpoint}, {"serverKey", server_key}, {"secretKey", secret_key}};
  return write_file_durably(file, dump_json(json) + "\n", 0600);
}

Result<AdminKey> AdminKey::load(const std::filesystem::path& file) {
  struct stat info;
  if (::stat(file.c_str(), &info) != 0) return fail(errno_problem(errno, "look at", file));
  if ((info.st_mode & 077) != 0) {
    return fail(Code::failed_precondition,
                fmt::format("this admin key has mode {:04o}, others must not reach it: chmod 600 "
                            "{}, and revoke it if others may have read it",
                            info.st_mode & 07777, file.string()),
                file.string());
  }
  SKERRY_ASSIGN(const std::string text, read_file(file, 64 * 1024));
  const auto json = parse_json(text);
  AdminKey key;
  if (json && json->is_object()) {
    key = {text_at(*json, "name"), text_at(*json, "endpoint"), text_at(*json, "serverKey"),
           text_at(*json, "secretKey")};
  }
  if (wire::is_z85_key(key.server_key) && wire::is_z85_key(key.secret_key) &&
      key.endpoint.starts_with("tcp://")) {
    return key;
  }
  return fail(Code::invalid_argument,
              "this file is no admin key; `skerry admin-key new NAME` makes one on the cloud's "
              "machine",
              file.string());
}

}  // namespace skerry::cli
