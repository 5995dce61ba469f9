#include "csv_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace {

constexpr int kEnd = std::char_traits<char>::eof();
constexpr std::size_t kLongestField =
    std::size_t{1} << 20;  // a quote left open would swallow the rest of the file

}  // namespace

CsvReader::CsvReader(const std::string& path) : path_(path) {
  if (!std::filesystem::is_regular_file(path))
    throw skerry::invalid("uri", path + ": no such file");
  file_.open(path, std::ios::binary);
  if (!file_) throw skerry::invalid("uri", path + ": cannot be opened for reading");
  skip_byte_order_mark();
  if (!read_record(header_))
    throw wrong("the file is empty; its first line must be the column names");
  check_header();
}

void CsvReader::skip_byte_order_mark() {
  char mark[3] = {};
  if (file_.read(mark, sizeof(mark)) && std::string_view(mark, sizeof(mark)) == "\xEF\xBB\xBF")
    return;
  file_.clear();
  file_.seekg(0);
}

bool CsvReader::next(std::vector<std::string>& fields) {
  if (!read_record(fields)) return false;
  if (fields.size() != header_.size()) {
    throw wrong(std::to_string(fields.size()) + (fields.size() == 1 ? " field" : " fields") +
                ", the header has " + std::to_string(header_.size()));
  }
  return true;
}

skerry::Error CsvReader::wrong(const std::string& what) const {
  return skerry::invalid("uri", path_ + ":" + std::to_string(record_line_) + ": " + what);
}

skerry::Error CsvReader::wrong_value(std::size_t column, const std::string& value,
                                     const std::string& what) const {
  return wrong("column \"" + header_[column] + "\": \"" + value.substr(0, 60) + "\" " + what);
}

void CsvReader::check_header() const {
  for (auto name = header_.begin(); name != header_.end(); ++name) {
    if (name->empty())
      throw wrong("column " + std::to_string(name - header_.begin() + 1) + " has no name");
    if (std::find(header_.begin(), name, *name) != name)
      throw wrong("two columns are named \"" + *name + "\"");
  }
}

bool CsvReader::read_record(std::vector<std::string>& fields) {
  fields.clear();
  while (file_.peek() == '\n' || file_.peek() == '\r') end_of_record();
  record_line_ = line_;
  if (file_.peek() == kEnd) return false;
  do {
    fields.push_back(file_.peek() == '"' ? read_quoted() : read_plain());
  } while (!end_of_record());
  return true;
}

// Consumes what follows a field: false after a comma, true after the end of a line or of the file.
bool CsvReader::end_of_record() {
  int c = file_.get();
  if (c == ',') return false;
  if (c == '\r' && file_.peek() == '\n') c = file_.get();
  if (c == '\n') ++line_;
  if (c == '\n' || c == kEnd) return true;
  throw wrong(c == '\r' ? "a carriage return inside of the line; lines end with LF or CRLF"
                        : "text after a closing quote; a quote inside of a field is written twice");
}

std::string CsvReader::read_plain() {
  std::string field;
  for (int c = file_.peek(); c != ',' && c != '\n' && c != '\r' && c != kEnd; c = file_.peek()) {
    if (c == '"') throw wrong("a quote inside of a field that does not begin with one");
    append(field, file_.get());
  }
  return field;
}

std::string CsvReader::read_quoted() {
  std::string field;
  file_.get();
  while (true) {
    const int c = file_.get();
    if (c == kEnd) throw wrong("a quote is never closed");
    if (c == '"') {
      if (file_.peek() != '"') return field;
      file_.get();
    }
    if (c == '\n') ++line_;
    append(field, c);
  }
}

void CsvReader::append(std::string& field, int character) const {
  if (character == 0) throw wrong("a zero byte: this is not a text file in UTF-8");
  if (field.size() == kLongestField)
    throw wrong("a field of more than 1 MiB; is a quote left open?");
  field += static_cast<char>(character);
}
