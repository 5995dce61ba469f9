#include "core/runtime/traced_feature.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <tuple>

#include "core/runtime/call_record.hpp"

namespace skerry::runtime {
namespace {

const Instance& inner(skerry_instance* self) {
  return reinterpret_cast<TracedFeature*>(self)->inner();
}

// A fault of its own says what, but not whose it is: by now it may be several plugins away.
void name_fault(const Instance& feature, const char* function, skerry_error* error) {
  if (error == nullptr) return;
  const std::string kind = feature.kind().substr(0, feature.kind().find('/'));
  error->message[sizeof error->message - 1] = '\0';
  const std::string text =
      fmt::format("plugin `{}` failed in {}.{}: {}", feature.id(), kind, function, error->message);
  std::snprintf(error->message, sizeof error->message, "%s", text.c_str());
}

// Calls the same function of the inner feature. `Member` is one of the interface's pointers.
template <auto Member>
struct Forward;
template <class Interface, class... Arguments,
          skerry_status (*Interface::*Member)(skerry_instance*, Arguments...)>
struct Forward<Member> {
  template <const char* Name>
  static skerry_status call(skerry_instance* self, Arguments... arguments) {
    const Instance& feature = inner(self);
    const auto calling = feature.calling(Name);
    const skerry_status status = (feature.as<Interface>().*Member)(feature.get(), arguments...);
    if (status == SKERRY_INTERNAL)
      name_fault(feature, Name, std::get<sizeof...(Arguments) - 1>(std::tie(arguments...)));
    return status;
  }
};

constexpr char kPrepare[] = "prepare";
constexpr char kWeights[] = "weights";
constexpr char kSetWeights[] = "set_weights";
constexpr char kTrain[] = "train";
constexpr char kEvaluate[] = "evaluate";
constexpr char kPredict[] = "predict";
constexpr char kSelect[] = "select";
constexpr char kEncode[] = "encode";
constexpr char kDecode[] = "decode";
constexpr char kNeeds[] = "needs";
constexpr char kJudge[] = "judge";

// Did the plugin's author know of this member?
template <class Interface, class Member>
bool covers(const Interface& table, const Member& member) {
  const auto* end = reinterpret_cast<const char*>(&member) + sizeof(Member);
  return table.struct_size >= static_cast<std::size_t>(end - reinterpret_cast<const char*>(&table));
}

// What the feature leaves out stays left out.
template <auto Member, const char* Name, class Interface>
void forward(const Instance& from, Interface& to) {
  const Interface& table = from.as<Interface>();
  if (covers(table, table.*Member) && table.*Member != nullptr)
    to.*Member = &Forward<Member>::template call<Name>;
}

// No more than the inner feature's table has.
template <class Interface>
std::uint32_t size_of(const Instance& inner) {
  return std::min(static_cast<std::uint32_t>(sizeof(Interface)), inner.as<Interface>().struct_size);
}

}  // namespace

TracedFeature::TracedFeature(const Instance& feature) : inner_(feature) {
  if (feature.kind() == "estimator/1") {
    using Table = skerry_estimator_v1;
    estimator_.struct_size = size_of<Table>(feature);
    forward<&Table::prepare, kPrepare>(feature, estimator_);
    forward<&Table::weights, kWeights>(feature, estimator_);
    forward<&Table::set_weights, kSetWeights>(feature, estimator_);
    forward<&Table::train, kTrain>(feature, estimator_);
    forward<&Table::evaluate, kEvaluate>(feature, estimator_);
    forward<&Table::predict, kPredict>(feature, estimator_);
  } else if (feature.kind() == "codec/1") {
    codec_.struct_size = size_of<skerry_codec_v1>(feature);
    forward<&skerry_codec_v1::encode, kEncode>(feature, codec_);
    forward<&skerry_codec_v1::decode, kDecode>(feature, codec_);
  } else if (feature.kind() == "sampling/1") {
    sampling_.struct_size = size_of<skerry_sampling_v1>(feature);
    forward<&skerry_sampling_v1::needs, kNeeds>(feature, sampling_);
    forward<&skerry_sampling_v1::judge, kJudge>(feature, sampling_);
  } else if (feature.kind() == "selection/1") {
    selection_.struct_size = size_of<skerry_selection_v1>(feature);
    forward<&skerry_selection_v1::select, kSelect>(feature, selection_);
  }
}

skerry_feature TracedFeature::get() {
  const void* table = nullptr;
  if (estimator_.struct_size > 0) table = &estimator_;
  if (selection_.struct_size > 0) table = &selection_;
  if (codec_.struct_size > 0) table = &codec_;
  if (sampling_.struct_size > 0) table = &sampling_;
  const char* id = inner_.id().c_str();
  const char* kind = inner_.kind().c_str();
  if (table == nullptr) return {inner_.get(), inner_.interface(), id, kind};
  return {reinterpret_cast<skerry_instance*>(this), table, id, kind};
}

}  // namespace skerry::runtime
