#include "core/store/power_cut.hpp"

#ifdef SKERRY_FAILPOINTS

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/base/failpoint.hpp"
#include "core/base/power_journal.hpp"

namespace skerry::store::power_cut {
namespace {

constexpr std::int64_t kSector = 512;  // bytes that a disk writes all or not at all

// A file as its readers see it, and which parts of that are not on the disk yet.
struct Image {
  std::string now;
  std::set<std::int64_t> unsynced;  // sectors
  std::int64_t on_disk = 0;         // length of the file
  bool directory_synced = false;    // SQLite has synced the directory of a journal that it made
  std::vector<sqlite3_file*> handles;
};

// What SQLite holds for an open file. `real` lies behind it, in the same piece of memory.
struct File {
  sqlite3_file base;
  Image* image;
  std::string* path;
  bool journal;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

struct Disk {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Image>> images;  // of the files that are open
  std::map<std::string, std::uint64_t> cuts;             // directories without power, and the seed
};

Disk& disk() {
  static Disk& instance = *new Disk;
  return instance;
}
sqlite3_vfs* below() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  return vfs;
}
std::atomic<bool> installed = false;

File* self(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}

bool is_below(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

std::optional<std::uint64_t> cut_of(const std::string& path) {
  for (const auto& [directory, seed] : disk().cuts)
    if (is_below(path, directory)) return seed;
  return std::nullopt;
}

void mark(Image& image, std::int64_t offset, std::int64_t length) {
  for (std::int64_t at = offset / kSector; at * kSector < offset + length; ++at)
    image.unsynced.insert(at);
}

int write_sector(Image& image, sqlite3_file* real, std::int64_t sector) {
  const std::int64_t offset = sector * kSector;
  const auto size = static_cast<std::int64_t>(image.now.size());
  if (offset >= size) return SQLITE_OK;  // cut off since
  const auto length = static_cast<int>(std::min(kSector, size - offset));
  return real->pMethods->xWrite(real, image.now.data() + offset, length, offset);
}

int sync_all(Image& image, sqlite3_file* real) {
  const auto size = static_cast<std::int64_t>(image.now.size());
  if (image.on_disk > size) {
    if (const int rc = real->pMethods->xTruncate(real, size); rc != SQLITE_OK) return rc;
  }
  for (const std::int64_t sector : image.unsynced)
    if (const int rc = write_sector(image, real, sector); rc != SQLITE_OK) return rc;
  image.unsynced.clear();
  image.on_disk = size;
  return SQLITE_OK;
}

// The part of what was not synced that the disk had written by itself.
void write_some(const std::string& path, Image& image, sqlite3_file* real, std::uint64_t seed) {
  if (seed % 4 == 0) return;
  std::mt19937_64 random(seed + std::hash<std::string>()(path));
  for (const std::int64_t sector : image.unsynced)
    if (random() % 4 < seed % 4) write_sector(image, real, sector);
}

// ---- the methods of a file

int close_file(sqlite3_file* file) {
  const std::lock_guard lock(disk().mutex);
  Image& image = *self(file)->image;
  const std::string path = *self(file)->path;
  sqlite3_file* real = self(file)->real();
  std::erase(image.handles, real);
  if (image.handles.empty()) {
    const auto seed = cut_of(path);
    // Without a cut the kernel still writes what a process leaves behind.
    seed ? write_some(path, image, real, *seed) : static_cast<void>(sync_all(image, real));
    disk().images.erase(path);
    std::erase_if(disk().cuts, [](const auto& entry) {
      return std::none_of(disk().images.begin(), disk().images.end(),
                          [&](const auto& open) { return is_below(open.first, entry.first); });
    });
  }
  delete self(file)->path;
  return real->pMethods->xClose(real);
}

int read_file_at(sqlite3_file* file, void* into, int length, sqlite3_int64 offset) {
  const std::lock_guard lock(disk().mutex);
  const std::string& now = self(file)->image->now;
  const auto size = static_cast<sqlite3_int64>(now.size());
  const auto there = std::clamp<sqlite3_int64>(size - offset, 0, length);
  if (there > 0) std::memcpy(into, now.data() + offset, static_cast<std::size_t>(there));
  if (there == length) return SQLITE_OK;
  std::memset(static_cast<char*>(into) + there, 0, static_cast<std::size_t>(length - there));
  return SQLITE_IOERR_SHORT_READ;
}

int write_file_at(sqlite3_file* file, const void* from, int length, sqlite3_int64 offset) {
  const std::lock_guard lock(disk().mutex);
  if (cut_of(*self(file)->path)) return SQLITE_IOERR_WRITE;
  Image& image = *self(file)->image;
  const auto end = static_cast<std::size_t>(offset + length);
  const auto old = static_cast<sqlite3_int64>(image.now.size());
  if (image.now.size() < end) image.now.resize(end);
  std::memcpy(image.now.data() + offset, from, static_cast<std::size_t>(length));
  const auto begin = std::min(offset, old);  // a hole is written as zeros
  mark(image, begin, offset + length - begin);
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  const std::lock_guard lock(disk().mutex);
  if (cut_of(*self(file)->path)) return SQLITE_IOERR_TRUNCATE;
  Image& image = *self(file)->image;
  image.now.resize(static_cast<std::size_t>(size));
  // Should it grow again, the sector in which it ended has another rest.
  mark(image, size, 1);
  return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
  // A test's handler throws, and SQLite is C: there the unit's own failpoints have to do.
  if (!failpoint::has_handler()) {
    if (!SKERRY_FAILPOINT_STATUS("store.database.sync")) return SQLITE_IOERR_FSYNC;
  }
  {
    const std::lock_guard lock(disk().mutex);
    if (cut_of(*self(file)->path)) return SQLITE_IOERR_FSYNC;
    Image& image = *self(file)->image;
    if (const int rc = sync_all(image, self(file)->real()); rc != SQLITE_OK) return rc;
    if (self(file)->journal && !std::exchange(image.directory_synced, true))
      power_journal::directory_synced(std::filesystem::path(*self(file)->path).parent_path());
  }
  if (!failpoint::has_handler()) SKERRY_FAILPOINT("store.database.synced");
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  const std::lock_guard lock(disk().mutex);
  *size = static_cast<sqlite3_int64>(self(file)->image->now.size());
  return SQLITE_OK;
}

int control_file(sqlite3_file* file, int operation, void* argument) {
  // Hints to make the file larger would change what is on the disk.
  if (operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_OK;
  if (operation == SQLITE_FCNTL_MMAP_SIZE) return SQLITE_NOTFOUND;
  sqlite3_file* real = self(file)->real();
  return real->pMethods->xFileControl(real, operation, argument);
}

template <auto Method, class... Args>
int pass(sqlite3_file* file, Args... args) {
  sqlite3_file* real = self(file)->real();
  return (real->pMethods->*Method)(real, args...);
}

void shm_barrier(sqlite3_file* file) {
  sqlite3_file* real = self(file)->real();
  real->pMethods->xShmBarrier(real);
}

const sqlite3_io_methods kMethods{
    2,
    close_file,
    read_file_at,
    write_file_at,
    truncate_file,
    sync_file,
    size_of_file,
    pass<&sqlite3_io_methods::xLock, int>,
    pass<&sqlite3_io_methods::xUnlock, int>,
    pass<&sqlite3_io_methods::xCheckReservedLock, int*>,
    control_file,
    pass<&sqlite3_io_methods::xSectorSize>,
    pass<&sqlite3_io_methods::xDeviceCharacteristics>,
    pass<&sqlite3_io_methods::xShmMap, int, int, int, void volatile**>,
    pass<&sqlite3_io_methods::xShmLock, int, int, int>,
    shm_barrier,
    pass<&sqlite3_io_methods::xShmUnmap, int>,
    nullptr,
    nullptr,
};

// ---- the methods of the VFS

int load(Image& image, sqlite3_file* real) {
  sqlite3_int64 size = 0;
  if (const int rc = real->pMethods->xFileSize(real, &size); rc != SQLITE_OK) return rc;
  image.now.resize(static_cast<std::size_t>(size));
  image.on_disk = size;
  if (size == 0) return SQLITE_OK;
  return real->pMethods->xRead(real, image.now.data(), static_cast<int>(size), 0);
}

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  constexpr int kKept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
  if (name == nullptr || (flags & kKept) == 0)
    return below()->xOpen(below(), name, file, flags, out);
  file->pMethods = nullptr;
  const std::lock_guard lock(disk().mutex);
  if (cut_of(name)) return SQLITE_CANTOPEN;
  sqlite3_file* real = self(file)->real();
  if (const int rc = below()->xOpen(below(), name, real, flags, out); rc != SQLITE_OK) return rc;
  auto& image = disk().images[name];
  if (image == nullptr) {
    image = std::make_unique<Image>();
    if (const int rc = load(*image, real); rc != SQLITE_OK) {
      disk().images.erase(name);
      real->pMethods->xClose(real);
      return rc;
    }
  }
  image->handles.push_back(real);
  self(file)->image = image.get();
  self(file)->path = new std::string(name);
  self(file)->journal = (flags & SQLITE_OPEN_MAIN_DB) == 0;
  file->pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* name, int sync_directory) {
  const std::lock_guard lock(disk().mutex);
  if (cut_of(name)) return SQLITE_IOERR_DELETE;
  return below()->xDelete(below(), name, sync_directory);
}

// A file whose bytes are all in memory is there, though the disk has an empty one.
int access_file(sqlite3_vfs*, const char* name, int flags, int* result) {
  {
    const std::lock_guard lock(disk().mutex);
    const auto open = disk().images.find(name);
    if (flags == SQLITE_ACCESS_EXISTS && open != disk().images.end()) {
      *result = !open->second->now.empty();
      return SQLITE_OK;
    }
  }
  return below()->xAccess(below(), name, flags, result);
}

// A power cut that a failpoint brings about: the process has no time to close anything.
void write_some_of_all(std::uint64_t seed) {
  const std::lock_guard lock(disk().mutex);
  for (auto& [path, image] : disk().images)
    if (!image->handles.empty()) write_some(path, *image, image->handles.front(), seed);
}

std::once_flag once;

void register_vfs() {
  static sqlite3_vfs vfs = *below();
  vfs.pNext = nullptr;
  vfs.zName = kVfs;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + below()->szOsFile;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) std::abort();
}

}  // namespace

void install() {
  std::call_once(once, register_vfs);
  installed = true;
}

const char* vfs() {
  static const bool asked = [] {
    const char* seed = std::getenv("SKERRY_POWER_CUT");
    if (seed == nullptr || *seed == '\0') return false;
    install();
    failpoint::before_kill([seed = std::strtoull(seed, nullptr, 10)] { write_some_of_all(seed); });
    return true;
  }();
  static_cast<void>(asked);
  return installed ? kVfs : nullptr;
}

void cut(const std::filesystem::path& directory, std::uint64_t seed) {
  const std::string name = std::filesystem::absolute(directory).lexically_normal().string();
  const std::lock_guard lock(disk().mutex);
  const bool any = std::any_of(disk().images.begin(), disk().images.end(),
                               [&](const auto& open) { return is_below(open.first, name); });
  if (any) disk().cuts[name] = seed;
}

}  // namespace skerry::store::power_cut

#endif
