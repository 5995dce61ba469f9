// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>
#include <skerry/task.hpp>

int main() {
  @CLASS@ codec(skerry::Config(nlohmann::json{{"bits", 8}}));
  float old[] = {1, 2}, now[] = {1.5F, 1}, arrived[] = {0, 0};
  const skerry::DType type = skerry::dtype_of<float>();
  skerry::OwnedTensors encoded;
  const skerry_tensor_sink abi{sizeof abi, 0, &encoded, [](const skerry_tensor_sink* self, const skerry_named_tensor* tensor) {
    static_cast<skerry::OwnedTensors*>(self->ctx)->add(*tensor);
    return skerry_status{SKERRY_OK};
  }};
  skerry::TensorSink sink(&abi);
  codec.encode({{"w", {now, type, {2}}}}, {{"w", {old, type, {2}}}}, sink);
  codec.decode(skerry::detail::named_tensors(encoded.views().data(), encoded.views().size()),
               {{"w", {old, type, {2}}}}, {{"w", {arrived, type, {2}}}});
  std::printf("arrived as %g, %g, sent 1.5, 1\n", static_cast<double>(arrived[0]), static_cast<double>(arrived[1]));
  return std::abs(arrived[0] - 1.5F) < 0.01F && std::abs(arrived[1] - 1) < 0.01F ? 0 : 1;
}
