#include "errors.hpp"

#include <c10/util/Exception.h>

#include <exception>

namespace skerry::torch_plugin {
namespace {

// An exception inside a script reads: a preface, the frames, and last "RuntimeError: what
// happened".
std::string without_script_frames(const std::string& message) {
  constexpr char kMark[] = "RuntimeError: ";
  const std::size_t found = message.rfind(kMark);
  return found == std::string::npos ? message : message.substr(found + sizeof(kMark) - 1);
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

}  // namespace

std::string essence(const std::string& message) {
  constexpr std::size_t kMostLines = 2;
  constexpr std::size_t kMostBytes = 240;
  const std::string text = without_script_frames(message);
  std::string result;
  std::size_t lines = 0;
  for (std::size_t begin = 0; begin < text.size() && lines < kMostLines;) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    std::size_t first = begin;
    while (first < end && is_blank(text[first])) ++first;
    const std::string line = text.substr(first, end - first);
    if (line.rfind("Exception raised from", 0) == 0) break;
    if (!line.empty()) {
      result += (result.empty() ? "" : " ") + line;
      ++lines;
    }
    begin = end + 1;
  }
  if (result.size() > kMostBytes) result = result.substr(0, kMostBytes) + "...";
  return result.empty() ? "failed without a message" : result;
}

std::string current_exception_text() {
  try {
    throw;
  } catch (const c10::Error& e) {
    return essence(e.what_without_backtrace());
  } catch (const std::exception& e) {
    return essence(e.what());
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace skerry::torch_plugin
