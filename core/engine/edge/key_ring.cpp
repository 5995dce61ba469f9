#include "core/engine/edge/key_ring.hpp"

#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::engine::edge {
namespace {

std::filesystem::path successor_file(const std::filesystem::path& file) {
  return file.string() + ".next";
}

}  // namespace

Result<KeyRing> KeyRing::open(const std::filesystem::path& file) {
  SKERRY_ASSIGN(auto key, wire::KeyPair::load_or_create(file));
  KeyRing ring(std::move(key));
  ring.file_ = file;
  std::error_code error;
  if (std::filesystem::exists(successor_file(file), error)) SKERRY_TRY(ring.prepare());
  return ring;
}

Status KeyRing::prepare() {
  if (successor_) return {};
  if (file_.empty()) {
    SKERRY_ASSIGN(successor_, wire::KeyPair::generate());
  } else {
    SKERRY_ASSIGN(successor_, wire::KeyPair::load_or_create(successor_file(file_)));
  }
  return {};
}

Status KeyRing::promote() {
  if (!successor_) return fail(Code::internal, "there is no new key");
  if (!file_.empty()) SKERRY_TRY(rename_durably(successor_file(file_), file_));
  key_ = std::move(*successor_);
  successor_.reset();
  return {};
}

}  // namespace skerry::engine::edge
