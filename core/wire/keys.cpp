#include "core/wire/keys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/base/bytes.hpp"
#include "core/base/crypto.hpp"
#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::wire {
namespace {

constexpr std::size_t kKeyLength = 40;

Status refuse_loose_mode(const std::filesystem::path& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return fail(errno_problem(errno, "look at", path));
  if ((info.st_mode & 077) == 0) return {};
  return fail(
      Code::failed_precondition,
      fmt::format("this secret key has mode {:04o}, others must not reach it: chmod 600 {}, "
                  "and make a new key if others may have read it",
                  info.st_mode & 07777, path.string()),
      path.string());
}

Result<KeyPair> load(const std::filesystem::path& path) {
  SKERRY_TRY(refuse_loose_mode(path));
  SKERRY_ASSIGN(auto text, read_file(path, 1024));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  auto pair = KeyPair::from_secret(text);
  sodium_memzero(text.data(), text.size());
  if (!pair) {
    return fail(Code::invalid_argument,
                "this file holds no secret key (one line of 40 Z85 characters): restore it, or "
                "remove it to have a new key, which the other side must then learn",
                path.string());
  }
  return pair;
}

}  // namespace

bool is_z85_key(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  if (text.size() != kKeyLength || text.find_first_not_of(kAlphabet) != text.npos) return false;
  // Five characters can stand for more than 32 bits; such a group is no key.
  std::array<std::uint8_t, 32> bytes;
  return zmq_z85_decode(bytes.data(), std::string(text).c_str()) != nullptr;
}

Result<KeyPair> KeyPair::generate() {
  SKERRY_TRY(init_sodium());
  std::array<char, kKeyLength + 1> public_key{}, secret_key{};
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) {
    return fail(Code::failed_precondition,
                fmt::format("cannot make a CURVE key pair: {}; libzmq must be built with CURVE",
                            zmq_strerror(zmq_errno())));
  }
  KeyPair pair{public_key.data(), secret_key.data()};
  sodium_memzero(secret_key.data(), secret_key.size());
  return pair;
}

Result<std::string> KeyPair::public_of(std::string_view secret_key) {
  if (!is_z85_key(secret_key)) {
    return fail(Code::invalid_argument, "a secret key must be 40 characters of Z85");
  }
  std::array<char, kKeyLength + 1> public_key{};
  if (zmq_curve_public(public_key.data(), std::string(secret_key).c_str()) != 0) {
    return fail(Code::failed_precondition,
                fmt::format("cannot derive a CURVE public key: {}", zmq_strerror(zmq_errno())));
  }
  return std::string(public_key.data());
}

Result<KeyPair> KeyPair::from_secret(std::string_view secret_key) {
  SKERRY_ASSIGN(auto public_key, public_of(secret_key));
  return KeyPair{std::move(public_key), std::string(secret_key)};
}

Result<KeyPair> KeyPair::load_or_create(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) return load(path);
  if (error) return fail(errno_problem(error.value(), "look at", path));
  SKERRY_ASSIGN(auto pair, generate());
  SKERRY_TRY(write_file_durably(path, std::string_view(pair.secret_key + "\n"), 0600));
  return pair;
}

std::string key_fingerprint(std::string_view public_key) {
  return digest_of(as_bytes(public_key)).hex().substr(0, 32);
}

}  // namespace skerry::wire
