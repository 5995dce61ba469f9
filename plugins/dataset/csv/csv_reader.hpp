// Reads a CSV file record by record, strictly: RFC 4180 with a header, LF or CRLF, UTF-8 with or
// without a byte order mark.
#pragma once

#include <skerry/error.hpp>

#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

class CsvReader {
 public:
  // Reads the header. Throws skerry::Error, as all functions here do, with field "uri" and a
  // message that begins with "path:line: ".
  explicit CsvReader(const std::string& path);

  const std::vector<std::string>& header() const { return header_; }

  // The next record, with exactly as many fields as the header; false at the end. Empty lines are
  // skipped.
  bool next(std::vector<std::string>& fields);

  // An error about the record that next() last gave, or about one of its columns.
  skerry::Error wrong(const std::string& what) const;
  skerry::Error wrong_value(std::size_t column, const std::string& value,
                            const std::string& what) const;

 private:
  void skip_byte_order_mark();
  bool read_record(std::vector<std::string>& fields);
  std::string read_quoted();
  std::string read_plain();
  bool end_of_record();
  void append(std::string& field, int character) const;
  void check_header() const;

  std::string path_;
  std::ifstream file_;
  std::vector<std::string> header_;
  std::size_t line_ = 1;         // where the next character is
  std::size_t record_line_ = 1;  // where the last record began
};
