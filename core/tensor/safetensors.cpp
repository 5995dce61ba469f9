#include "core/tensor/safetensors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/tensor/header_reader.hpp"

namespace skerry::tensor {
namespace {

constexpr std::uint64_t kLengthBytes = 8;

template <class... Args>
tl::unexpected<Problem> unsound(fmt::format_string<Args...> text, Args&&... args) {
  return fail(Code::invalid_argument,
              "not a sound safetensors file: " + fmt::format(text, std::forward<Args>(args)...));
}

std::uint64_t little_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;)
    value = value << 8 | std::to_integer<unsigned>(bytes[i]);
  return value;
}

// The header's length, once it is known to be possible in a file of this size.
Result<std::uint64_t> header_length(Bytes file_start, std::uint64_t file_size) {
  if (file_size < kLengthBytes || file_start.size() < kLengthBytes) {
    return unsound("it has {} bytes, fewer than its header's length takes", file_size);
  }
  const std::uint64_t length = little_endian(file_start);
  if (length > kMaxHeaderBytes) {
    return unsound("its header claims {} bytes, at most {} are allowed", length, kMaxHeaderBytes);
  }
  if (length > file_size - kLengthBytes) {
    return unsound("its header claims {} bytes, but the file ends after {}", length,
                   file_size - kLengthBytes);
  }
  return length;
}

// One entry, but for its place among the others.
Result<TensorSpec> to_spec(HeaderEntry&& entry) {
  const std::size_t element = dtype_size(entry.dtype);
  if (element == 0) {
    return unsound(
        "tensor \"{}\" has the dtype \"{}\"; allowed are F64, F32, F16, BF16, I64, I32, I16, "
        "I8, U8 and BOOL",
        entry.name, entry.dtype.substr(0, 16));
  }
  const auto count = element_count(entry.shape);
  if (!count) return unsound("tensor \"{}\": {}", entry.name, count.error().message);
  std::uint64_t size = 0;
  if (__builtin_mul_overflow(*count, std::uint64_t{element}, &size)) {
    return unsound("tensor \"{}\" of shape {} has more bytes than 64 bits can count", entry.name,
                   shape_text(entry.shape));
  }
  if (entry.begin > entry.end || entry.end - entry.begin != size) {
    return unsound(
        "tensor \"{}\" of shape {} and dtype {} takes {} bytes, its data_offsets are [{}, {}]",
        entry.name, shape_text(entry.shape), entry.dtype, size, entry.begin, entry.end);
  }
  return TensorSpec{std::move(entry.name), std::move(entry.dtype), std::move(entry.shape),
                    entry.begin, size};
}

// Each tensor begins where the one before it ends, and the last ends with the file.
Status check_cover(const std::vector<TensorSpec>& tensors, std::uint64_t data_size) {
  std::uint64_t covered = 0;
  for (const TensorSpec& tensor : tensors) {
    if (tensor.offset != covered) {
      return unsound("tensor \"{}\" begins at byte {} of the data, {} byte {}", tensor.name,
                     tensor.offset,
                     tensor.offset < covered ? "over what ends at" : "after a hole from", covered);
    }
    // Cannot wrap: to_spec has seen offset + size as a 64-bit end.
    covered += tensor.size;
    if (covered > data_size) {
      return unsound("tensor \"{}\" ends at byte {} of the data, the file has {}", tensor.name,
                     covered, data_size);
    }
  }
  if (covered != data_size) {
    return unsound("its tensors take {} bytes, but {} follow the header", covered, data_size);
  }
  return {};
}

// Reads exactly `size` bytes at `offset`.
Result<std::string> read_at(int fd, std::uint64_t offset, std::uint64_t size,
                            const std::filesystem::path& path) {
  std::string bytes(size, '\0');
  std::size_t used = 0;
  while (used < size) {
    const ssize_t count =
        ::pread(fd, bytes.data() + used, size - used, static_cast<off_t>(offset + used));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_problem(errno, "read", path));
    if (count == 0) return unsound("it became shorter while it was read");
    used += static_cast<std::size_t>(count);
  }
  return bytes;
}

Result<Layout> read_layout_of(int fd, const std::filesystem::path& path) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return fail(errno_problem(errno, "look at", path));
  if (!S_ISREG(info.st_mode)) return unsound("it is no regular file");
  const auto file_size = static_cast<std::uint64_t>(info.st_size);
  SKERRY_ASSIGN(const std::string prefix,
                read_at(fd, 0, std::min<std::uint64_t>(kLengthBytes, file_size), path));
  SKERRY_ASSIGN(const std::uint64_t length, header_length(as_bytes(prefix), file_size));
  SKERRY_ASSIGN(const std::string start, read_at(fd, 0, kLengthBytes + length, path));
  return parse_layout(as_bytes(start), file_size);
}

}  // namespace

Result<Layout> parse_layout(Bytes file_start, std::uint64_t file_size) {
  SKERRY_ASSIGN(const std::uint64_t length, header_length(file_start, file_size));
  if (file_start.size() - kLengthBytes < length) {
    return fail(Code::internal, "parse_layout was given only a part of the header");
  }
  const std::string_view json = as_text(file_start.subspan(kLengthBytes, length));
  if (!json.starts_with('{')) return unsound("its header does not begin with {{");
  SKERRY_ASSIGN(Header header, read_header(json));

  Layout layout;
  layout.data_offset = kLengthBytes + length;
  layout.file_size = file_size;
  layout.metadata = std::move(header.metadata);
  layout.tensors.reserve(header.entries.size());
  for (HeaderEntry& entry : header.entries) {
    SKERRY_ASSIGN(TensorSpec tensor, to_spec(std::move(entry)));
    layout.tensors.push_back(std::move(tensor));
  }
  // By size too: an empty tensor may share its offset with the one that follows it.
  std::ranges::stable_sort(layout.tensors, {}, [](const TensorSpec& tensor) {
    return std::tuple(tensor.offset, tensor.size);
  });
  SKERRY_TRY(check_cover(layout.tensors, file_size - layout.data_offset));
  return layout;
}

Result<Layout> read_layout(const std::filesystem::path& path) {
  SKERRY_ASSIGN(auto file, open_file(path, O_RDONLY | O_NONBLOCK));
  auto layout = read_layout_of(file.get(), path);
  if (!layout) {
    Problem problem = std::move(layout).error();
    problem.where = path.string();
    return fail(std::move(problem));
  }
  return layout;
}

}  // namespace skerry::tensor
