// source/1: where a service's examples come from by themselves: a camera, a folder. Runs in a
// worker of its own on an edge, which asks the service about each.
#pragma once

#include <skerry/plugin.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace skerry {

// What a service's questions are about, and what it says of them.
struct ServiceForm {
  std::vector<std::int64_t> shape;  // of one example; images are channels, height, width
  std::uint32_t classes = 0;        // of an answer; 0: it is numbers
  float scale = 1;                  // what a model sees of uint8 elements is their value times this

  ServiceForm() = default;
  explicit ServiceForm(const skerry_service_form& form)
      : shape(form.shape, form.shape + form.ndim), classes(form.classes), scale(form.scale) {}
};

// One example, owned by what gives it.
struct Item {
  std::uint64_t number = 0;  // its place in the source, from 0 on, rising; gaps are allowed
  double seconds = std::numeric_limits<double>::quiet_NaN();  // when, from the source's beginning
  std::int64_t label = -1;                                    // its class, where it is known
  std::string name;                                           // as people call it, a file's name
  TensorView tensor;  // float32 or uint8, of the form's shape
};

class Source {
 public:
  using KindBase = Source;
  virtual ~Source() = default;

  // Once, before next(). Throw SKERRY_INVALID_ARGUMENT where there is no such source, or it cannot
  // give examples of this form. [serial]
  virtual void open(const ServiceForm& form) = 0;

  // The next example, valid until the next call; null where none came within `timeout`, which is
  // to be waited for then. Throwing ends the source: what may heal by itself, as a camera's
  // connection, is no error. [serial]
  virtual const Item* next(std::chrono::microseconds timeout) = 0;

  // After next() gave null: will there never be another? [serial]
  virtual bool ended() const = 0;

  // All sinks have what came of this example; in the order of next(). [serial]
  virtual void done(std::uint64_t number) { static_cast<void>(number); }
};

template <>
struct InterfaceKind<skerry_source_v1> {
  static constexpr const char* id = "source/1";
};

template <>
struct Kind<Source> {
  static constexpr const char* id = InterfaceKind<skerry_source_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_source_v1 functions = {sizeof(skerry_source_v1), 0, open, next, done};
    return &functions;
  }

 private:
  static skerry_status open(skerry_instance* instance, const skerry_service_form* form,
                            skerry_error* error) {
    return detail::guard(error, [&] { object_of<Source>(instance).open(ServiceForm(*form)); });
  }
  static skerry_status next(skerry_instance* instance, std::uint64_t timeout_us, skerry_item* out,
                            skerry_error* error) {
    bool none_yet = false;
    const skerry_status status = detail::guard(error, [&] {
      auto& source = object_of<Source>(instance);
      out->tensor.data = nullptr;
      const Item* item = source.next(std::chrono::microseconds(timeout_us));
      none_yet = item == nullptr && !source.ended();
      if (item == nullptr) return;
      // To the host that would be the end.
      if (item->tensor.raw() == nullptr)
        throw Error(SKERRY_INTERNAL, "", "next() gave an example whose tensor has no elements");
      out->number = item->number;
      out->seconds = item->seconds;
      out->label = item->label;
      out->name = item->name.c_str();
      out->tensor = item->tensor.abi();
    });
    return status == SKERRY_OK && none_yet ? SKERRY_RETRY : status;
  }
  static skerry_status done(skerry_instance* instance, std::uint64_t number, skerry_error* error) {
    return detail::guard(error, [&] { object_of<Source>(instance).done(number); });
  }
};

}  // namespace skerry
