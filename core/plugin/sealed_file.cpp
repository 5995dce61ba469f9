#include "core/plugin/sealed_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/try.hpp"
#include "core/plugin/trust.hpp"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace skerry::plugin {
namespace {

constexpr std::size_t kBlock = 1 << 20;

std::filesystem::path path_of(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

// Kernels from 6.3 on want to be told that it will be executed, older ones don't know the word.
Result<UniqueFd> memory_file(const std::filesystem::path& file) {
  const std::string name = file.filename().string().substr(0, 200);
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = ::memfd_create(name.c_str(), flags | MFD_EXEC);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create(name.c_str(), flags);
  if (fd < 0) return fail(errno_problem(errno, "make a copy in memory", file));
  return UniqueFd(fd);
}

Status copy_bytes(int from, int to, const std::filesystem::path& file) {
  std::vector<std::byte> block(kBlock);
  while (true) {
    const ssize_t count = ::read(from, block.data(), block.size());
    if (count == 0) return {};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_problem(errno, "read", file));
    SKERRY_TRY(write_all(to, Bytes(block.data(), static_cast<std::size_t>(count)), file));
  }
}

}  // namespace

Status seal(int memory_file, const std::filesystem::path& shown) {
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (::fcntl(memory_file, F_ADD_SEALS, kSeals) != 0) {
    if (errno != EBUSY || std::chrono::steady_clock::now() >= limit)
      return fail(errno_problem(errno, "seal the copy in memory", shown));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {};
}

Result<SealedFile> SealedFile::copy(const std::filesystem::path& file) {
  // Not blocking: a FIFO of that name must not hold up a worker.
  SKERRY_ASSIGN(const auto from, open_file(file, O_RDONLY | O_NONBLOCK));
  SKERRY_TRY(check_open_file(from.get(), file));
  SKERRY_ASSIGN(auto to, memory_file(file));
  SKERRY_TRY(copy_bytes(from.get(), to.get(), file));
  SKERRY_TRY(seal(to.get(), file));
  SKERRY_ASSIGN(const Digest digest, digest_of_file(path_of(to.get())));
  return SealedFile(std::move(to), digest.hex());
}

std::filesystem::path SealedFile::path() const {
  return path_of(fd_.get());
}

}  // namespace skerry::plugin
