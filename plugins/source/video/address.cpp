#include "address.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <skerry/error.hpp>

namespace video {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAllowed =
    "Allowed are a video file's path, rtsp://, rtsps://, http:// and https:// addresses, and "
    "cameras, as camera:0";

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 4 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

Address stream_of(const std::string& uri, std::size_t colon) {
  std::string scheme = uri.substr(0, colon);
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  constexpr std::array<const char*, 4> kSchemes = {"rtsp", "rtsps", "http", "https"};
  if (std::find(kSchemes.begin(), kSchemes.end(), scheme) == kSchemes.end())
    throw skerry::invalid("uri", "found " + scheme + "://. " + kAllowed);
  const std::string rest = uri.substr(colon + 3);
  const std::string server = rest.substr(0, rest.find_first_of("/?#"));
  const auto user_end = server.rfind('@');
  const std::size_t host = user_end == server.npos ? 0 : user_end + 1;
  if (host == server.size() || server[host] == ':')
    throw skerry::invalid(
        "uri", "the address names no server; expected as " + scheme + "://10.0.0.7/stream1");
  const std::string shown = rest.substr(host, rest.find_first_of("?#") - host);
  return {Place::stream, scheme + "://" + rest, scheme + "://" + shown};
}

skerry::Error no_camera(const std::string& device, const std::string& why) {
  return skerry::invalid("uri", device + ": " + why);
}

// The cameras that this machine has, as people would name them here.
std::string cameras() {
  std::string list;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/dev", ignored))
    if (entry.path().filename().string().rfind("video", 0) == 0)
      list += (list.empty() ? "" : ", ") + entry.path().string();
  return list.empty() ? "this machine has no camera" : "there are " + list;
}

void check_camera(const std::string& device) {
  const int fd = ::open(device.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  const int error = errno;
  if (fd < 0 && (error == ENOENT || error == ENODEV || error == ENXIO))
    throw no_camera(device, "no such camera; " + cameras());
  if (fd < 0 && (error == EACCES || error == EPERM))
    throw no_camera(device, std::string(std::strerror(error)) +
                                ". Start the edge with --allow-write " + device +
                                ", as a user who may use it (on Debian of the group `video`)");
  if (fd < 0) return;  // as where another program has it now
  v4l2_capability can = {};
  const bool asked = ::ioctl(fd, VIDIOC_QUERYCAP, &can) == 0;
  ::close(fd);
  const std::uint32_t what =
      (can.capabilities & V4L2_CAP_DEVICE_CAPS) != 0 ? can.device_caps : can.capabilities;
  if (!asked || (what & (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE)) == 0)
    throw no_camera(device, "no camera; " + cameras());
}

}  // namespace

Address address_of(const std::string& uri) {
  if (const auto colon = uri.find("://"); colon != uri.npos) return stream_of(uri, colon);
  if (uri.empty()) throw skerry::invalid("uri", std::string("is empty. ") + kAllowed);
  // Hosts make paths absolute, and take this for one.
  constexpr const char* kCamera = "camera:";
  const std::string name = fs::path(uri).filename().string();
  if (name.rfind(kCamera, 0) == 0) {
    const std::string number = name.substr(std::strlen(kCamera));
    if (!is_number(number))
      throw skerry::invalid("uri",
                            "found " + name + "; expected the number of a camera, as in camera:0");
    return {Place::camera, "/dev/video" + number, name};
  }
  const bool device = uri.rfind("/dev/", 0) == 0;
  return {device ? Place::camera : Place::file, uri, uri};
}

void check_place(const Address& address) {
  if (address.place == Place::stream) return;
  if (address.place == Place::camera) return check_camera(address.text);
  std::error_code error;
  const fs::file_status status = fs::status(address.text, error);
  if (!fs::exists(status)) throw skerry::invalid("uri", address.text + ": no such file");
  if (!fs::is_regular_file(status))
    throw skerry::invalid("uri", address.text + ": no file. " + kAllowed);
  if (::access(address.text.c_str(), R_OK) != 0)
    throw skerry::invalid("uri", address.text + ": cannot be read: " + std::strerror(errno));
}

}  // namespace video
