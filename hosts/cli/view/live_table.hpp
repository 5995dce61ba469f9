#pragma once

#include <cstdio>
#include <string>

#include "core/base/json.hpp"
#include "hosts/cli/view/progress.hpp"
#include "hosts/cli/view/round_table.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {

// A job as it goes: the header once, a line a round, and on a terminal a progress line below that
// is redrawn in place.
class LiveTable {
 public:
  LiveTable(std::FILE* out, Style style) : out_(out), style_(style) {}
  ~LiveTable() { clear(); }
  LiveTable(const LiveTable&) = delete;
  LiveTable& operator=(const LiveTable&) = delete;

  void record(const Json& record);
  void progress(const Progress& progress);
  void note(const std::string& text);  // a line of its own
  void clear();                        // takes the progress line away

 private:
  void line(const std::string& text);

  std::FILE* out_;
  Style style_;
  RoundTable table_;
  std::string shown_;  // the progress line on the screen
};

}  // namespace skerry::cli
