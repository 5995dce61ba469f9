/* An aggregation and an estimator in plain C, for any minor of the boundary: what 1.1 appended is
 * asked for through SKERRY_HAS. Refuses each struct whose size does not tell of all members of 1.0.
 */
#include <skerry/abi.h>
#include <stdlib.h>
#include <string.h>

#ifndef DECLARED_MINOR
#define DECLARED_MINOR SKERRY_ABI_MINOR
#endif
#if SKERRY_ABI_MINOR >= 1
#define SCALE_OF(TYPE, PTR) (SKERRY_HAS(TYPE, PTR, scale) ? (PTR)->scale : 1.0)
#define SCALE_OF_HOST(PTR) (SKERRY_HAS(skerry_host, PTR, scale) ? (PTR)->scale(PTR) : 1.0)
#else
#define SCALE_OF(TYPE, PTR) 1.0
#define SCALE_OF_HOST(PTR) 1.0
#endif

#define NEEDS_1_0(TYPE, PTR, LAST_MEMBER)                          \
  if (!SKERRY_HAS(TYPE, PTR, LAST_MEMBER)) {                       \
    return refuse(error, "this " #TYPE " has not all of ABI 1.0"); \
  }

__attribute__((used, section(".skerry.plugin"))) static const char manifest[] =
    "{\"name\": \"steps\", \"version\": \"1.0.0\", \"features\": ["
    "{\"id\": \"steps\", \"kind\": \"aggregation/1\"},"
    "{\"id\": \"steps\", \"kind\": \"estimator/1\"}]}";

enum { WEIGHTS = 2 };
static const int64_t shape[1] = {WEIGHTS};

struct skerry_instance {
  const skerry_host* host;
  int32_t calls;
  float weights[WEIGHTS];
  skerry_named_tensor lent;
};

static skerry_status refuse(skerry_error* error, const char* message) {
  if (!SKERRY_HAS(skerry_error, error, message)) {
    abort();
  }
  error->code = SKERRY_INTERNAL;
  strncpy(error->message, message, sizeof error->message - 1);
  return SKERRY_INTERNAL;
}

static skerry_status create(const skerry_host* host, const char* id, const char* kind,
                            skerry_bytes config, skerry_instance** out, skerry_error* error) {
  (void)id, (void)kind, (void)config;
  NEEDS_1_0(skerry_host, host, cancelled)
  *out = calloc(1, sizeof **out);
  if (*out == NULL) {
    return refuse(error, "out of memory");
  }
  (*out)->host = host;
  return SKERRY_OK;
}

static void destroy(skerry_instance* self) {
  free(self);
}

#if SKERRY_ABI_MINOR >= 1
static int32_t calls(skerry_instance* self) {
  return self->calls;
}
#endif

/* The aggregation: the mean. */

static skerry_status begin(skerry_instance* self, const skerry_named_tensor* schema,
                           uint64_t tensors, const skerry_update* updates, uint64_t clients,
                           skerry_error* error) {
  (void)schema, (void)tensors, (void)updates, (void)clients, (void)error;
  ++self->calls;
  return SKERRY_OK;
}

static skerry_status combine(skerry_instance* self, const skerry_tile* tile, skerry_error* error) {
  (void)self;
  NEEDS_1_0(skerry_tile, tile, output)
  if (tile->dtype_bits != 32) {
    return refuse(error, "expected float32");
  }
  float* out = tile->output;
  const double scale = SCALE_OF(skerry_tile, tile) * SCALE_OF_HOST(self->host) / tile->clients;
  for (uint64_t i = 0; i < tile->count; ++i) {
    double sum = 0;
    for (uint32_t c = 0; c < tile->clients; ++c) {
      sum += (double)((const float*)tile->inputs[c])[i];
    }
    out[i] = (float)(sum * scale);
  }
  return SKERRY_OK;
}

static const skerry_aggregation_v1 aggregation = {
    .struct_size = sizeof(skerry_aggregation_v1),
    .begin = begin,
    .combine = combine,
#if SKERRY_ABI_MINOR >= 1
    .calls = calls,
#endif
};

/* The estimator: each step adds the first number that it sees, and the number of the round. */

static skerry_status prepare(skerry_instance* self, const skerry_dataset_info* info, uint64_t seed,
                             skerry_error* error) {
  NEEDS_1_0(skerry_dataset_info, info, classes)
  for (int i = 0; i < WEIGHTS; ++i) {
    self->weights[i] = (float)(seed % 7) + (float)i;
  }
  return SKERRY_OK;
}

static skerry_status weights(skerry_instance* self, const skerry_named_tensor** out,
                             uint64_t* count, skerry_error* error) {
  (void)error;
  self->lent.name = "w";
  self->lent.tensor.data = self->weights;
  self->lent.tensor.device_type = SKERRY_CPU;
  self->lent.tensor.ndim = 1;
  self->lent.tensor.dtype_code = SKERRY_FLOAT;
  self->lent.tensor.dtype_bits = 32;
  self->lent.tensor.dtype_lanes = 1;
  self->lent.tensor.shape = shape;
  *out = &self->lent;
  *count = 1;
  return SKERRY_OK;
}

static skerry_status set_weights(skerry_instance* self, const skerry_named_tensor* tensors,
                                 uint64_t count, skerry_error* error) {
  if (count != 1 || strcmp(tensors->name, "w") != 0) {
    return refuse(error, "expected one tensor, w");
  }
  memcpy(self->weights, (const char*)tensors->tensor.data + tensors->tensor.byte_offset,
         sizeof self->weights);
  return SKERRY_OK;
}

static skerry_status train(skerry_instance* self, const skerry_data* data,
                           const skerry_train_params* params, const skerry_metric_sink* metrics,
                           skerry_error* error) {
  NEEDS_1_0(skerry_data, data, labels)
  NEEDS_1_0(skerry_train_params, params, call_id)
  NEEDS_1_0(skerry_metric_sink, metrics, add)
  if (data->features.shape[0] == 0) {
    return refuse(error, "expected a row");
  }
  const float first =
      *(const float*)((const char*)data->features.data + data->features.byte_offset);
  const double scale = SCALE_OF(skerry_train_params, params) * SCALE_OF_HOST(self->host);
  ++self->calls;
  for (int i = 0; i < WEIGHTS; ++i) {
    self->weights[i] += (float)((first + (float)params->round) * scale);
  }
  metrics->add(metrics, "loss", 0.5);
  return SKERRY_OK;
}

static skerry_status evaluate(skerry_instance* self, const skerry_data* data,
                              const skerry_metric_sink* metrics, skerry_error* error) {
  (void)self;
  NEEDS_1_0(skerry_data, data, labels)
  NEEDS_1_0(skerry_metric_sink, metrics, add)
  metrics->add(metrics, "loss", 0.5);
  metrics->add(metrics, "accuracy", 0.5);
  return SKERRY_OK;
}

static skerry_status predict(skerry_instance* self, const skerry_tensor* features,
                             skerry_owned_tensor* out, skerry_error* error) {
  (void)self, (void)features, (void)out;
  refuse(error, "this estimator does not predict");
  return error->code = SKERRY_UNSUPPORTED;
}

static const skerry_estimator_v1 estimator = {
    .struct_size = sizeof(skerry_estimator_v1),
    .prepare = prepare,
    .weights = weights,
    .set_weights = set_weights,
    .train = train,
    .evaluate = evaluate,
    .predict = predict,
#if SKERRY_ABI_MINOR >= 1
    .calls = calls,
#endif
};

static const void* get_interface(skerry_instance* self, const char* kind) {
  (void)self;
  return strcmp(kind, "aggregation/1") == 0 ? (const void*)&aggregation
         : strcmp(kind, "estimator/1") == 0 ? (const void*)&estimator
                                            : NULL;
}

__attribute__((visibility("default"))) extern const skerry_entry skerry_plugin_entry_v1;
const skerry_entry skerry_plugin_entry_v1 = {
    .struct_size = sizeof(skerry_entry),
    .abi_major = SKERRY_ABI_MAJOR,
    .abi_minor = DECLARED_MINOR,
    .manifest = manifest,
    .manifest_size = sizeof manifest - 1,
    .create = create,
    .get_interface = get_interface,
    .destroy = destroy,
#if SKERRY_ABI_MINOR >= 1
    .builder = "steps",
#endif
};
