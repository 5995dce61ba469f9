// What happens in a folder, as the kernel tells it (inotify).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace directory {

struct News {
  std::vector<std::string> arrived;  // names that were written and closed, or moved there, in order
  std::vector<std::string> left;     // deleted, or moved away
  bool missed = false;               // more happened than the kernel could keep
  bool gone = false;                 // the folder is not there any more; nothing else will come
};

class FolderWatch {
 public:
  FolderWatch() = default;
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;
  ~FolderWatch() { end(); }

  // 0, or an errno. What happens from now on is kept until it is asked for.
  int begin(const std::filesystem::path& folder);
  void end();
  bool watching() const { return fd_ >= 0; }

  // Everything since the last call, or the first thing within `timeout`.
  News wait(std::chrono::milliseconds timeout);

 private:
  int fd_ = -1;
};

}  // namespace directory
