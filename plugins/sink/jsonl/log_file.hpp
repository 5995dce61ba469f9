// A file of lines that several workers may append to at once, and people may move away.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace jsonl {

// An open file; none where it is negative.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

class LogFile {
 public:
  // A line that would make the file larger than most_bytes begins a new one, and the old one is
  // PATH.1 then; 0: never.
  LogFile(std::filesystem::path path, std::uint64_t most_bytes);

  // Makes the file where it is missing, and ends a line that a worker that was killed left without
  // an end. Throws Error SKERRY_INVALID_ARGUMENT where it cannot be written.
  void open();

  // The line, which has its end, in one write: whole, or not at all and Error SKERRY_FAILED.
  void append(const std::string& line);

  void close() { file_ = Descriptor(); }

 private:
  class Lock;

  Descriptor opened() const;
  bool try_append(const std::string& line);
  bool is_in_place() const;
  std::uint64_t size() const;
  void end_torn_line();
  void write_whole(const std::string& text);

  std::filesystem::path path_;
  std::uint64_t most_bytes_;
  Descriptor file_;
};

}  // namespace jsonl
