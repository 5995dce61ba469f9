#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "core/base/file.hpp"
#include "core/plugin/catalog.hpp"

namespace skerry::plugin {

// The folder that a fixture of tests/fixtures/plugins lies in, alone.
inline std::filesystem::path fixture_folder(const std::string& name) {
  return std::filesystem::path(SKERRY_FIXTURE_PLUGINS) / name;
}

inline std::filesystem::path fixture_file(const std::string& name) {
  return fixture_folder(name) / (name + ".so");
}

inline TempDir temp_dir() {
  auto dir = TempDir::create();
  EXPECT_TRUE(dir) << dir.error().text();
  return std::move(*dir);
}

inline void write(const std::filesystem::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

inline std::string read(const std::filesystem::path& file) {
  return read_file(file).value();
}

}  // namespace skerry::plugin
