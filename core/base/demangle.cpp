#include "core/base/demangle.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace skerry {
namespace {

constexpr std::size_t kLongestName = 120;
constexpr std::size_t kLongestMangled = 200;

// "S0_" and "T_" stand for what came before. A name of few bytes in which they are nested stands
// for more text than there is memory, and the text comes from plugins.
bool repeats_much(const std::string& name) {
  constexpr int kMost = 12;
  int repeated = 0;
  for (std::size_t i = 0; i + 1 < name.size(); ++i)
    if ((name[i] == 'S' || name[i] == 'T') &&
        (name[i + 1] == '_' || (name[i + 1] >= '0' && name[i + 1] <= '9') ||
         (name[i + 1] >= 'A' && name[i + 1] <= 'Z')))
      ++repeated;
  return repeated > kMost;
}

}  // namespace

std::string demangled_frame(const std::string& frame) {
  const auto open = frame.find('('), plus = frame.rfind('+');
  if (open == std::string::npos || plus == std::string::npos || plus < open) return frame;
  const std::string name = frame.substr(open + 1, plus - open - 1);
  if (!name.starts_with("_Z") || name.size() > kLongestMangled || repeats_much(name)) return frame;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0) return frame;
  std::string text = plain.get();
  if (text.size() > kLongestName) text = text.substr(0, kLongestName) + "...";
  return frame.substr(0, open + 1) + text + frame.substr(plus);
}

}  // namespace skerry
