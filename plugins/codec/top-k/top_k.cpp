// Sparsified updates with memory (Stich, Cordonnier, Jaggi, 2018). Of c = update - base + m, the k
// elements that are largest in size travel with their places; what does not, is the next m. m is
// kept on the node, by tensor, as long as its worker lives. Tensors of other types than float32
// travel as they are.
#include <skerry/codec.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

namespace {

using skerry::NamedTensor;

constexpr skerry::DType kPlace{SKERRY_INT, 32};
constexpr skerry::DType kFloat{SKERRY_FLOAT, 32};

std::string places_name(const std::string& tensor) {
  return tensor + "#places";
}

// Places are 32-bit numbers.
bool is_sparse(const skerry::TensorView& tensor) {
  return tensor.dtype() == kFloat && tensor.size() > 0 &&
         tensor.size() <= std::numeric_limits<std::int32_t>::max();
}

class TopK : public skerry::Codec {
 public:
  explicit TopK(const skerry::Config& config) : keep_(config.number("keep", 0.1)) {
    if (!(keep_ > 0 && keep_ <= 0.5)) throw skerry::invalid("keep", "must be above 0, at most 0.5");
  }

  void encode(const std::vector<NamedTensor>& update, const std::vector<NamedTensor>& base,
              skerry::TensorSink& encoded) override {
    for (std::size_t i = 0; i < update.size(); ++i) {
      if (is_sparse(update[i].tensor))
        thin_out(update[i], base[i], encoded);
      else
        encoded.add(update[i].name, update[i].tensor);
    }
  }

  void decode(const std::vector<NamedTensor>& encoded, const std::vector<NamedTensor>& base,
              const std::vector<NamedTensor>& update) override {
    for (std::size_t i = 0; i < update.size(); ++i) {
      const skerry::TensorView& whole = update[i].tensor;
      if (is_sparse(whole)) {
        restore(encoded, base[i], update[i]);
        continue;
      }
      const auto& same = skerry::find_tensor(encoded, update[i].name, whole.dtype(), whole.shape());
      std::copy_n(static_cast<const char*>(same.raw()), whole.bytes(),
                  static_cast<char*>(whole.raw()));
    }
  }

 private:
  std::size_t kept_of(std::size_t elements) const {
    return std::max<std::size_t>(1,
                                 static_cast<std::size_t>(keep_ * static_cast<double>(elements)));
  }

  void thin_out(const NamedTensor& update, const NamedTensor& base, skerry::TensorSink& encoded) {
    const auto now = update.tensor.elements<const float>();
    const auto before = base.tensor.elements<const float>();
    std::vector<float>& change = left_out_[update.name];
    change.resize(now.size());
    for (std::size_t i = 0; i < now.size(); ++i) change[i] += now[i] - before[i];
    if (!std::all_of(change.begin(), change.end(),
                     [](float each) { return std::isfinite(each); })) {
      left_out_.erase(update.name);
      throw skerry::Error(SKERRY_FAILED, "", "the update's `" + update.name + "` is not finite");
    }
    const std::vector<std::int32_t> places = largest(change);
    std::vector<float> values;
    for (const std::int32_t place : places)
      values.push_back(std::exchange(change[static_cast<std::size_t>(place)], 0.0F));
    const std::vector<std::int64_t> shape{static_cast<std::int64_t>(places.size())};
    encoded.add(update.name, {static_cast<const void*>(values.data()), kFloat, shape});
    encoded.add(places_name(update.name), {static_cast<const void*>(places.data()), kPlace, shape});
  }

  // Places in ascending order; of equal ones the first.
  std::vector<std::int32_t> largest(const std::vector<float>& change) const {
    std::vector<std::int32_t> places(change.size());
    std::iota(places.begin(), places.end(), 0);
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(kept_of(change.size()));
    const auto size = [&](std::int32_t place) {
      return std::abs(change[static_cast<std::size_t>(place)]);
    };
    std::nth_element(places.begin(), end - 1, places.end(), [&](std::int32_t a, std::int32_t b) {
      return size(a) != size(b) ? size(a) > size(b) : a < b;
    });
    places.erase(end, places.end());
    std::sort(places.begin(), places.end());
    return places;
  }

  void restore(const std::vector<NamedTensor>& encoded, const NamedTensor& base,
               const NamedTensor& update) const {
    const auto now = update.tensor.elements<float>();
    const auto before = base.tensor.elements<const float>();
    const std::vector<std::int64_t> shape{static_cast<std::int64_t>(kept_of(now.size()))};
    const auto values =
        skerry::find_tensor(encoded, update.name, kFloat, shape).elements<const float>();
    const auto places = skerry::find_tensor(encoded, places_name(update.name), kPlace, shape)
                            .elements<const std::int32_t>();
    std::copy(before.begin(), before.end(), now.begin());
    std::int64_t last = -1;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (places[i] <= last || static_cast<std::size_t>(places[i]) >= now.size())
        throw skerry::invalid("", "`" + places_name(update.name) + "` must ascend and be below " +
                                      std::to_string(now.size()));
      last = places[i];
      now[static_cast<std::size_t>(places[i])] += values[i];
    }
  }

  const double keep_;
  std::map<std::string, std::vector<float>> left_out_;  // m, by tensor
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<TopK>("top-k"));
