#include "core/base/demangle.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace skerry {
namespace {

constexpr std::size_t kLongestName = 120;

}  // namespace

std::string demangled_frame(const std::string& frame) {
  const auto open = frame.find('('), plus = frame.rfind('+');
  if (open == std::string::npos || plus == std::string::npos || plus < open) return frame;
  const std::string name = frame.substr(open + 1, plus - open - 1);
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0) return frame;
  std::string text = plain.get();
  if (text.size() > kLongestName) text = text.substr(0, kLongestName) + "...";
  return frame.substr(0, open + 1) + text + frame.substr(plus);
}

}  // namespace skerry
