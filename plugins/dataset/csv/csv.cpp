// A table in a CSV file. A row's features are the numeric columns in the order given, then for each
// categorical column one 0/1 value for each of its texts.
#include <skerry/dataset.hpp>

#include <algorithm>
#include <cfloat>
#include <charconv>
#include <cmath>

#include "csv_reader.hpp"
#include "dictionary.hpp"

namespace {

constexpr std::size_t kMostCategories = 10000;

struct NumericColumn {
  std::size_t index;  // in the header
  std::vector<float> values;
};

struct CategoricalColumn {
  std::size_t index;
  Dictionary dictionary;
  std::vector<std::uint32_t> codes;
};

class Csv : public skerry::Dataset {
 public:
  explicit Csv(const skerry::Config& config)
      : config_(config), real_labels_(config.string("labelKind", "class") == "real") {
    CsvReader reader(config.string("uri"));
    choose_columns(reader.header());
    std::vector<std::string> fields;
    while (reader.next(fields)) add_row(reader, fields);
    if (rows() == 0) throw reader.wrong("no rows after the header");
    finish_columns();
    finish_labels();
  }

  void read(skerry::Span<const std::uint64_t> rows, float* out) override {
    for (const std::uint64_t row : rows) {
      for (const NumericColumn& column : numeric_) *out++ = column.values[row];
      for (const CategoricalColumn& column : categorical_) {
        const std::size_t width = column.dictionary.texts().size();
        std::fill_n(out, width, 0.0F);
        out[column.codes[row]] = 1.0F;
        out += width;
      }
    }
  }

 private:
  std::size_t rows() const { return real_labels_ ? reals_.size() : classes_.size(); }

  // Categorical columns first: what is left over is numeric when the configuration names no numeric
  // ones.
  void choose_columns(const std::vector<std::string>& header) {
    label_ = find(header, config_.string("label"), "label");
    label_names_ = dictionary("classes", config_, "classes");
    std::vector<bool> taken(header.size(), false);
    taken[label_] = true;
    choose_categorical(header, taken);
    choose_numeric(header, taken);
    if (numeric_.empty() && categorical_.empty())
      throw skerry::invalid("numeric", "no column is left as a feature");
  }

  void choose_categorical(const std::vector<std::string>& header, std::vector<bool>& taken) {
    const std::vector<std::string> names = config_.strings("categorical");
    const skerry::Config lists = config_.object("categories");
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::size_t index =
          take(header, names[i], "categorical[" + std::to_string(i) + "]", taken);
      categorical_.push_back({index, dictionary(lists.path(names[i]), lists, names[i]), {}});
    }
    for (const auto& list : lists.json().items()) {
      if (std::find(names.begin(), names.end(), list.key()) != names.end()) continue;
      throw skerry::invalid(lists.path(list.key()),
                            "is no categorical column." + skerry::did_you_mean(list.key(), names));
    }
  }

  void choose_numeric(const std::vector<std::string>& header, std::vector<bool>& taken) {
    const std::vector<std::string> names = config_.strings("numeric");
    for (std::size_t i = 0; i < names.size(); ++i) {
      numeric_.push_back({take(header, names[i], "numeric[" + std::to_string(i) + "]", taken), {}});
    }
    for (std::size_t i = 0; i < header.size() && !config_.has("numeric"); ++i) {
      if (!taken[i]) numeric_.push_back({i, {}});
    }
  }

  static std::size_t take(const std::vector<std::string>& header, const std::string& name,
                          const std::string& field, std::vector<bool>& taken) {
    const std::size_t index = find(header, name, field);
    if (taken[index])
      throw skerry::invalid(field, "column \"" + name + "\" is named twice, or is the label");
    taken[index] = true;
    return index;
  }

  static std::size_t find(const std::vector<std::string>& header, const std::string& name,
                          const std::string& field) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found != header.end()) return static_cast<std::size_t>(found - header.begin());
    throw skerry::invalid(field, "the file has no column \"" + name + "\"." +
                                     skerry::did_you_mean(name, header) +
                                     " Its columns: " + skerry::listed(header));
  }

  // The texts that the configuration lists for a column, else a dictionary that grows.
  static Dictionary dictionary(const std::string& field, const skerry::Config& lists,
                               const std::string& key) {
    if (!lists.has(key)) return Dictionary();
    std::vector<std::string> texts = lists.strings(key);
    for (auto text = texts.begin(); text != texts.end(); ++text) {
      if (std::find(texts.begin(), text, *text) != text)
        throw skerry::invalid(field, "lists \"" + *text + "\" twice");
    }
    return Dictionary(std::move(texts));
  }

  void add_row(const CsvReader& reader, const std::vector<std::string>& fields) {
    const std::string& label = fields[label_];
    if (label.empty())
      throw reader.wrong("the label \"" + reader.header()[label_] + "\" is missing");
    if (real_labels_) {
      reals_.push_back(number(reader, fields, label_));
    } else {
      classes_.push_back(code(reader, fields, label_, label_names_));
    }
    for (NumericColumn& column : numeric_)
      column.values.push_back(number(reader, fields, column.index));
    for (CategoricalColumn& column : categorical_) {
      column.codes.push_back(code(reader, fields, column.index, column.dictionary));
    }
  }

  static float number(const CsvReader& reader, const std::vector<std::string>& fields,
                      std::size_t column) {
    const std::string& text = fields[column];
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc() || stop != end ||
        !(std::fabs(value) <= static_cast<double>(FLT_MAX))) {
      throw reader.wrong_value(column, text, "is not a number");
    }
    return static_cast<float>(value);
  }

  static std::uint32_t code(const CsvReader& reader, const std::vector<std::string>& fields,
                            std::size_t column, Dictionary& dictionary) {
    const std::string& text = fields[column];
    if (text.empty()) throw reader.wrong_value(column, text, "is no value: the field is empty");
    const auto found = dictionary.code_of(text);
    if (!found) {
      throw reader.wrong_value(column, text,
                               "is not one of " + skerry::listed(dictionary.texts()) + "." +
                                   skerry::did_you_mean(text, dictionary.texts()));
    }
    if (*found >= kMostCategories && !dictionary.fixed()) {
      throw reader.wrong_value(
          column, text,
          "is value 10001 of this column: is it one of numbers (numeric, labelKind: real)?");
    }
    return *found;
  }

  void finish_columns() {
    if (config_.boolean("standardize", true)) {
      for (NumericColumn& column : numeric_) standardize(column.values);
    }
    for (CategoricalColumn& column : categorical_) {
      const std::vector<std::uint32_t> sorted = column.dictionary.sort();
      for (std::uint32_t& each : column.codes) each = sorted[each];
    }
  }

  // Mean 0, deviation 1; a constant column becomes 0.
  static void standardize(std::vector<float>& values) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    if (*least == *most) {
      std::fill(values.begin(), values.end(), 0.0F);
      return;
    }
    const auto count = static_cast<double>(values.size());
    double mean = 0;
    for (const float value : values) mean += value / count;
    double variance = 0;
    for (const float value : values) variance += (value - mean) * (value - mean) / count;
    const double deviation = std::sqrt(variance);
    for (float& value : values) value = static_cast<float>((value - mean) / deviation);
  }

  void finish_labels() {
    std::size_t width = numeric_.size();
    for (const CategoricalColumn& column : categorical_) width += column.dictionary.texts().size();
    const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(width)};
    if (real_labels_) {
      describe_reals(shape, std::move(reals_));
      return;
    }
    const std::vector<std::uint32_t> sorted = label_names_.sort();
    for (std::int64_t& label : classes_) label = sorted[static_cast<std::size_t>(label)];
    describe_classes(shape, std::move(classes_),
                     static_cast<std::uint32_t>(label_names_.texts().size()));
  }

  skerry::Config config_;
  bool real_labels_;
  std::size_t label_ = 0;  // index in the header
  Dictionary label_names_;
  std::vector<float> reals_;           // labels until describe_reals()
  std::vector<std::int64_t> classes_;  // labels until describe_classes()
  std::vector<NumericColumn> numeric_;
  std::vector<CategoricalColumn> categorical_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Csv>("csv"));
