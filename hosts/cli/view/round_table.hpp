#pragma once

#include <string>
#include <vector>

#include "core/base/json.hpp"

namespace skerry::cli {

// A line a record, in columns whose widths are fixed from the start, since the records come one by
// one. The columns are those that the first record has: known ones first, then the workflow's own
// numbers.
class RoundTable {
 public:
  // The header, once, before the first line; empty afterwards.
  std::string header(const Json& first_record);
  std::string line(const Json& record);

 private:
  struct Column {
    std::string title;
    std::string path;  // in the record
    enum class Format { number, metric, bytes, seconds, nodes } format = Format::number;
    int width = 0;
  };
  void choose_columns(const Json& record);
  static std::string cell(const Column& column, const Json& record);

  std::vector<Column> columns_;
  std::size_t lines_ = 0;
};

}  // namespace skerry::cli
