// LibTorch's exceptions as skerry::Error, without their stack traces.
#pragma once

#include <skerry/error.hpp>

#include <new>
#include <string>

namespace skerry::torch_plugin {

// What a message of LibTorch has to say, in one line: without stack traces and without
// TorchScript's frames.
std::string essence(const std::string& message);

// The text of the exception in flight, in one line.
std::string current_exception_text();

// Runs body(); whatever LibTorch throws becomes an Error SKERRY_FAILED whose message begins with
// `doing`.
template <class Body>
auto translating_errors(const char* doing, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (...) {
    throw Error(SKERRY_FAILED, "", std::string(doing) + ": " + current_exception_text());
  }
}

}  // namespace skerry::torch_plugin
