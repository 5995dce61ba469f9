/* Skerry's plugin boundary, version 1.0. C99 and C++11; needs <stddef.h> and <stdint.h> only.
 *
 * A plugin is a shared library that exports one symbol, `skerry_plugin_entry_v1`. Within a major version structs only
 * grow at their end: read a member that came later through SKERRY_HAS. Structs that travel in arrays are frozen.
 *
 * Ownership: whoever allocates frees. Every input is borrowed for the length of the call. Errors and outputs live in
 * the host's memory: the plugin fills in a skerry_error, or hands bytes to a skerry_sink, which copies them.
 * No exception, C++ type or run-time type information crosses this boundary.
 *
 * Threads: each function says how it is called.
 *   [serial]      one call at a time on one instance, from any thread of the worker
 *   [concurrent]  several calls at a time on one instance
 *   [any-thread]  callable from any thread of the plugin, at any time
 * A plugin joins the threads it started before destroy() returns.
 */
#ifndef SKERRY_ABI_H
#define SKERRY_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SKERRY_ABI_MAJOR 1
#define SKERRY_ABI_MINOR 0

/* Does the struct that PTR points to, as its writer knew it, have MEMBER of TYPE? */
#define SKERRY_HAS(TYPE, PTR, MEMBER) \
  ((PTR)->struct_size >= offsetof(TYPE, MEMBER) + sizeof((PTR)->MEMBER))

/* ------------------------------------------------------------------------------------------------ basic types */

typedef int32_t skerry_status; /* one of the values below; never renumbered */
enum {
  SKERRY_OK = 0,
  SKERRY_INVALID_ARGUMENT = 1, /* the configuration or the data is wrong: a person must change it */
  SKERRY_UNSUPPORTED = 2,      /* this plugin does not do that */
  SKERRY_FAILED = 3,           /* it was tried and did not work */
  SKERRY_CANCELLED = 4,        /* the host asked the call to stop */
  SKERRY_RETRY = 5,            /* the same call may work later */
  SKERRY_INTERNAL = 6          /* a fault in the plugin */
};

typedef struct skerry_error {
  uint32_t struct_size;
  skerry_status code;
  char field[64];    /* the configuration field at fault, as "optimizer.lr", or empty */
  char message[440]; /* UTF-8, NUL-terminated: what was found, what is allowed, what to do */
} skerry_error;

typedef struct skerry_bytes {
  const uint8_t *data;
  uint64_t size;
} skerry_bytes;

/* Takes a copy of what it is given; several writes append. */
typedef struct skerry_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  skerry_status (*write)(const struct skerry_sink *, skerry_bytes); /* [serial] */
} skerry_sink;

/* Takes named numbers: metrics. A later value of a name replaces an earlier one. */
typedef struct skerry_metric_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  void (*add)(const struct skerry_metric_sink *, const char *name, double value); /* [serial] */
} skerry_metric_sink;

/* Element types: DLPack's codes. */
enum { SKERRY_INT = 0, SKERRY_UINT = 1, SKERRY_FLOAT = 2, SKERRY_BFLOAT = 4, SKERRY_BOOL = 6 };
enum { SKERRY_CPU = 1 };
enum { SKERRY_MAX_DIMS = 8 };

/* A dense array. The layout follows DLPack's DLTensor, as a struct of our own. Frozen for this major. */
typedef struct skerry_tensor {
  void *data;          /* an input's data is read-only */
  int32_t device_type; /* SKERRY_CPU */
  int32_t device_id;
  int32_t ndim;
  uint8_t dtype_code;
  uint8_t dtype_bits;
  uint16_t dtype_lanes;   /* 1 */
  const int64_t *shape;   /* ndim values */
  const int64_t *strides; /* in elements; NULL: dense, row-major */
  uint64_t byte_offset;
} skerry_tensor;

typedef struct skerry_named_tensor {
  const char *name;
  skerry_tensor tensor;
} skerry_named_tensor;

/* The consumer calls release once, which frees everything and sets itself to NULL. */
typedef struct skerry_owned_tensor {
  skerry_tensor tensor;
  void (*release)(struct skerry_owned_tensor *);
  void *ctx;
} skerry_owned_tensor;

/* What a plugin's create() returns; only the plugin knows what is in it. */
typedef struct skerry_instance skerry_instance;

/* Takes a copy of each tensor that it is given; names are distinct. */
typedef struct skerry_tensor_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  skerry_status (*add)(const struct skerry_tensor_sink *, const skerry_named_tensor *); /* [serial] */
} skerry_tensor_sink;

/* ------------------------------------------------------------------------------------------------ the host */

enum { SKERRY_LOG_DEBUG = 0, SKERRY_LOG_INFO = 1, SKERRY_LOG_WARN = 2, SKERRY_LOG_ERROR = 3 };

/* Given to create(); valid until destroy() returns. */
typedef struct skerry_host {
  uint32_t struct_size, abi_major, abi_minor, reserved;
  void *ctx;
  void (*log)(const struct skerry_host *, int32_t level, const char *message);          /* [any-thread] */
  const void *(*get_extension)(const struct skerry_host *, const char *id);             /* [any-thread] NULL: not offered */
  int32_t (*cancelled)(const struct skerry_host *, uint64_t call_id);                   /* [any-thread] 1: stop soon */
} skerry_host;

/* How many threads this plugin may use at once. */
#define SKERRY_EXT_THREADS "skerry.threads/1"
typedef struct skerry_ext_threads {
  uint32_t struct_size;
  uint32_t reserved;
  uint32_t (*budget)(const skerry_host *); /* [any-thread] >= 1 */
} skerry_ext_threads;

/* Other features of the job, by the name of their place in the job's spec ("estimator", "edge[0].filter", ...), or in
 * the caller's own configuration ("config.filters[0]"). */
#define SKERRY_EXT_FEATURES "skerry.features/1"
typedef struct skerry_feature {
  skerry_instance *instance;
  const void *interface; /* the struct of the feature's kind */
  const char *id;
  const char *kind;
} skerry_feature;
typedef struct skerry_ext_features {
  uint32_t struct_size;
  uint32_t reserved;
  /* Created on first use and kept for the life of the worker; the host owns it. [serial] */
  skerry_status (*open)(const skerry_host *, const char *slot, skerry_feature *out, skerry_error *);
} skerry_ext_features;

/* ------------------------------------------------------------------------------------------------ aggregation/1 */

/* Who sent an update. Frozen for this major. */
typedef struct skerry_update {
  const char *node;
  uint64_t samples; /* how many samples the node trained on, >= 1 */
  double loss;      /* its training loss, NaN when it told none */
} skerry_update;

/* The same range of one tensor in every update. Elements are float32, or float64 for tensors of 64-bit floats and of
 * integers (results are rounded to nearest for integers). */
typedef struct skerry_tile {
  uint32_t struct_size;
  uint32_t tensor;           /* index into the schema given to begin() */
  uint8_t dtype_code;        /* SKERRY_FLOAT */
  uint8_t dtype_bits;        /* 32 or 64 */
  uint16_t reserved0;
  uint32_t clients;          /* as many as given to begin(), in that order */
  uint64_t offset;           /* first element of the range in the tensor */
  uint64_t count;            /* elements in the range */
  const void *const *inputs; /* [clients], each `count` elements */
  const void *base;          /* the model that the clients started from, `count` elements; NULL when there is none */
  void *output;              /* `count` elements to write: the new model (unused in observe) */
} skerry_tile;

typedef struct skerry_aggregation_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* A new round. schema: names, types and shapes (no data). [serial] */
  skerry_status (*begin)(skerry_instance *, const skerry_named_tensor *schema, uint64_t tensors,
                         const skerry_update *updates, uint64_t clients, skerry_error *);
  /* A first pass over all tiles, for rules that need distances. NULL: not needed. [serial] */
  skerry_status (*observe)(skerry_instance *, const skerry_tile *, skerry_error *);
  /* Writes tile->output from tile->inputs. Must not depend on the order or the size of tiles. [concurrent] */
  skerry_status (*combine)(skerry_instance *, const skerry_tile *, skerry_error *);
  /* After the last tile. NULL: nothing to do. [serial] */
  skerry_status (*finish)(skerry_instance *, skerry_error *);
} skerry_aggregation_v1;

/* ------------------------------------------------------------------------------------------------ codec/1 */

/* How an update travels. base: the model that it started from; base[i] and update[i] have one name, type and shape.
 * What encode() gives may hold any tensors, of which none is NaN or infinite. */
typedef struct skerry_codec_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* On a node. May keep what it left out for the node's next update; that is lost with the worker. [serial] */
  skerry_status (*encode)(skerry_instance *, const skerry_named_tensor *update, const skerry_named_tensor *base,
                          uint64_t count, const skerry_tensor_sink *encoded, skerry_error *);
  /* On the cloud, of a stranger's word: refuses what encode() cannot have given. A pure function of its arguments.
   * Writes all elements of update[i].tensor.data. [serial] */
  skerry_status (*decode)(skerry_instance *, const skerry_named_tensor *encoded, uint64_t encoded_count,
                          const skerry_named_tensor *base, const skerry_named_tensor *update, uint64_t count,
                          skerry_error *);
} skerry_codec_v1;

/* ------------------------------------------------------------------------------------------------ selection/1 */

/* A node that could take part. Frozen for this major. */
typedef struct skerry_candidate {
  const char *node;
  uint64_t samples;    /* from its last update; 0 when not known */
  double loss;         /* from its last update; NaN when not known */
  double seconds;      /* how long its last task took; NaN when not known */
  uint32_t last_round; /* the last round it took part in; 0 when never */
  uint32_t reserved;
} skerry_candidate;

typedef struct skerry_selection_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Writes distinct indices of candidates to chosen (room for n) and their number to count. Pure: the same arguments
   * give the same choice. round counts from 1. [serial] */
  skerry_status (*select)(skerry_instance *, const skerry_candidate *candidates, uint32_t n, uint32_t round,
                          uint64_t seed, uint32_t *chosen, uint32_t *count, skerry_error *);
} skerry_selection_v1;

/* ------------------------------------------------------------------------------------------------ dataset/1 */

enum { SKERRY_LABEL_NONE = 0, SKERRY_LABEL_CLASS = 1, SKERRY_LABEL_REAL = 2 };

typedef struct skerry_dataset_info {
  uint32_t struct_size;
  uint32_t ndim;                  /* dimensions of one row's features, 1..SKERRY_MAX_DIMS */
  int64_t shape[SKERRY_MAX_DIMS]; /* of one row's features; images are channels, height, width */
  uint64_t rows;
  uint32_t label_kind;
  uint32_t classes; /* number of classes; labels are 0..classes-1. 0 unless SKERRY_LABEL_CLASS */
} skerry_dataset_info;

typedef struct skerry_dataset_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  skerry_status (*info)(skerry_instance *, skerry_dataset_info *out, skerry_error *); /* [serial] */
  /* One label a row: int64 for classes, float32 for real ones. Borrowed until destroy. [serial] */
  skerry_status (*labels)(skerry_instance *, skerry_tensor *out, skerry_error *);
  /* Writes the features of `n` rows, float32, row after row, to `features`. [serial] */
  skerry_status (*read)(skerry_instance *, const uint64_t *rows, uint64_t n, float *features, skerry_error *);
} skerry_dataset_v1;

/* Rows of a dataset in memory. */
typedef struct skerry_data {
  uint32_t struct_size;
  uint32_t reserved;
  const skerry_dataset_info *info; /* of the whole dataset; `rows` there is not the number of rows here */
  skerry_tensor features;          /* float32 [rows, shape...] */
  skerry_tensor labels;            /* int64 [rows] or float32 [rows] */
} skerry_data;

/* ------------------------------------------------------------------------------------------------ estimator/1 */

typedef struct skerry_train_params {
  uint32_t struct_size;
  uint32_t round;   /* counts from 0; `round * epochs` epochs were trained before, elsewhere or here */
  uint64_t seed;    /* with the epoch's number it decides shuffling, dropout and the like */
  uint64_t call_id; /* for skerry_host.cancelled */
} skerry_train_params;

typedef struct skerry_estimator_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Builds the model for such data, with initial weights that depend on the seed only. [serial] */
  skerry_status (*prepare)(skerry_instance *, const skerry_dataset_info *, uint64_t seed, skerry_error *);
  /* All parameters, then all buffers. Borrowed until the next call on the instance. [serial] */
  skerry_status (*weights)(skerry_instance *, const skerry_named_tensor **out, uint64_t *count, skerry_error *);
  /* Copies them in; names, types and shapes must be those of weights(), in any order. [serial] */
  skerry_status (*set_weights)(skerry_instance *, const skerry_named_tensor *, uint64_t count, skerry_error *);
  /* As many epochs as its configuration says. Metrics: at least "loss", the mean over the last epoch. [serial] */
  skerry_status (*train)(skerry_instance *, const skerry_data *, const skerry_train_params *,
                         const skerry_metric_sink *, skerry_error *);
  /* Metrics: at least "loss"; "accuracy" for classes. Changes nothing. [serial] */
  skerry_status (*evaluate)(skerry_instance *, const skerry_data *, const skerry_metric_sink *, skerry_error *);
  /* features: float32 [n, shape...]; out: float32 [n, outputs], for classes their probabilities. [serial] */
  skerry_status (*predict)(skerry_instance *, const skerry_tensor *features, skerry_owned_tensor *out, skerry_error *);
} skerry_estimator_v1;

/* ------------------------------------------------------------------------------------------------ sampling/1 */

enum { SKERRY_NEEDS_FEATURES = 1, SKERRY_NEEDS_PREDICTIONS = 2 };

/* Examples in the order in which they came. A tensor whose data is NULL is not at hand. */
typedef struct skerry_examples {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t rows;
  skerry_tensor features;    /* float32 [rows, shape...], as a dataset gives them */
  skerry_tensor predictions; /* float32 [rows, outputs], as an estimator's predict() gives them */
} skerry_examples;

typedef struct skerry_sampling_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* What judge() has to be given: SKERRY_NEEDS_..., or'd together, or 0. [serial] */
  skerry_status (*needs)(skerry_instance *, uint32_t *out, skerry_error *);
  /* For each row a finite score, which is higher the harder the example is, and 1 where it is hard, else 0. How rows
   * are divided into calls changes nothing. [serial] */
  skerry_status (*judge)(skerry_instance *, const skerry_examples *, double *scores, uint8_t *hard, skerry_error *);
} skerry_sampling_v1;

/* ------------------------------------------------------------------------------------------------ inference/1 */

/* What is known of a question at one stage, a model and a filter of the edge. Frozen for this major. */
typedef struct skerry_stage {
  uint32_t predicted; /* 1: its model has answered */
  uint32_t judged;    /* 1: its filter has judged, of what follows */
  double score;
  uint32_t hard;
  uint32_t reserved;
} skerry_stage;

typedef struct skerry_question {
  uint32_t struct_size;
  uint32_t stages;             /* >= 1 */
  const skerry_stage *stage;   /* [stages], from the cheapest model on */
  uint64_t remaining_us;       /* until the answer is due */
} skerry_question;

enum {
  SKERRY_STEP_PREDICT = 0, /* let the stage's model answer */
  SKERRY_STEP_JUDGE = 1,   /* let the stage's filter judge: what the model said, or the example where it said nothing */
  SKERRY_STEP_ASK = 2,     /* ask the cloud */
  SKERRY_STEP_ANSWER = 3   /* the stage's answer is good enough; its model has predicted */
};

/* Frozen for this major. */
typedef struct skerry_step {
  uint32_t action; /* SKERRY_STEP_... */
  uint32_t stage;  /* which one; 0 for SKERRY_STEP_ASK */
} skerry_step;

typedef struct skerry_inference_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* What to do next with a question. Asked again after each PREDICT and JUDGE; ASK and ANSWER end it: should the cloud
   * not answer in time, the host does what the job says of that. A pure function of its arguments. [serial] */
  skerry_status (*next)(skerry_instance *, const skerry_question *, skerry_step *out, skerry_error *);
} skerry_inference_v1;

/* ------------------------------------------------------------------------------------------------ payload/1 */

/* How an example of a service travels as bytes: as a picture's file, for instance. Examples are float32 [shape...]. */
typedef struct skerry_payload_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* On an edge. Refuses with SKERRY_INVALID_ARGUMENT what has no such form. [serial] */
  skerry_status (*encode)(skerry_instance *, const skerry_tensor *example, const skerry_sink *encoded, skerry_error *);
  /* Of a stranger's word, an application's or an edge's: refuses with SKERRY_INVALID_ARGUMENT what it cannot read.
   * Writes all elements of example->data. A pure function of its arguments. [serial] */
  skerry_status (*decode)(skerry_instance *, skerry_bytes encoded, const skerry_tensor *example, skerry_error *);
} skerry_payload_v1;

/* ------------------------------------------------------------------------------------------------ source/1 */

/* What a service's questions are about, and what it says of them. */
typedef struct skerry_service_form {
  uint32_t struct_size;
  uint32_t ndim;                  /* of one example, 1..SKERRY_MAX_DIMS - 1 */
  int64_t shape[SKERRY_MAX_DIMS]; /* of one example; images are channels, height, width */
  uint32_t classes;               /* of an answer; 0: it is numbers */
  float scale;                    /* what a model sees of uint8 elements is their value times this */
} skerry_service_form;

/* One example of a source. */
typedef struct skerry_item {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t number;      /* its place in the source, from 0 on, rising; what a source passes over counts too */
  double seconds;       /* when it was, from the source's beginning on; NaN when not known */
  int64_t label;        /* its class, where the source knows it, or -1 */
  const char *name;     /* as people call it, a file's name; empty: it has none but its number */
  skerry_tensor tensor; /* float32 or uint8 [shape...], dense */
} skerry_item;

typedef struct skerry_source_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Once, before next(). Refuses what the source cannot be, or cannot give in this form. [serial] */
  skerry_status (*open)(skerry_instance *, const skerry_service_form *, skerry_error *);
  /* The next example, borrowed until the next call. Waits timeout_us at most: SKERRY_RETRY says that none has come.
   * out->tensor.data NULL: there is none, and there will be none. [serial] */
  skerry_status (*next)(skerry_instance *, uint64_t timeout_us, skerry_item *out, skerry_error *);
  /* All sinks have what came of the example of this number; in the order of next(). NULL: of no interest. [serial] */
  skerry_status (*done)(skerry_instance *, uint64_t number, skerry_error *);
} skerry_source_v1;

/* ------------------------------------------------------------------------------------------------ sink/1 */

/* What a service said of an example. */
typedef struct skerry_outcome {
  uint32_t struct_size;
  uint32_t count;        /* of outputs */
  const char *service;   /* its name */
  const char *source;    /* the place of the source in the job, as "sources[0]", or empty */
  const skerry_item *item;
  const char *code;      /* stable; empty: there is an answer */
  const char *message;
  const float *outputs;  /* for classes their probabilities */
  uint32_t by_cloud;     /* 0 or 1, as the next three */
  uint32_t hard;
  uint32_t fallback;     /* the cloud was to answer, and did not in time: this is the edge's own answer */
  uint32_t late;         /* the cloud's answer, after another one had been given in time */
  double score;          /* what the filter said of the example */
  uint64_t version;      /* of the model that answered */
  uint32_t total_us;     /* microseconds: all of it */
  uint32_t wire_us;      /* of which on the way to the cloud and back */
  uint32_t queue_us;     /* in the queue of the cloud's worker */
  uint32_t compute_us;   /* in the model that answered */
} skerry_outcome;

typedef struct skerry_sink_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Once, before write(). [serial] */
  skerry_status (*open)(skerry_instance *, const skerry_service_form *, skerry_error *);
  /* In the order in which a source gave the examples. [serial] */
  skerry_status (*write)(skerry_instance *, const skerry_outcome *, skerry_error *);
  /* After the last write, where there is time for it: a worker may also be killed. NULL: nothing to do. [serial] */
  skerry_status (*close)(skerry_instance *, skerry_error *);
} skerry_sink_v1;

/* ------------------------------------------------------------------------------------------------ workflow/1 */

typedef struct skerry_workflow_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* A pure function of its arguments: no clock, file, socket, thread or memory of earlier calls. state: what the last
   * call wrote, empty at first. event: one JSON object. new_state: any bytes. commands: one JSON array. The members of
   * events and commands are in workflow.hpp and docs/workflows.md. [serial] */
  skerry_status (*decide)(skerry_instance *, skerry_bytes state, skerry_bytes event, const skerry_sink *new_state,
                          const skerry_sink *commands, skerry_error *);
} skerry_workflow_v1;

/* ------------------------------------------------------------------------------------------------ task/1 */

typedef struct skerry_task_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Does the work. params: the JSON object that the workflow gave. result: one JSON object, or nothing. The instance
   * is kept from one task to the next of its job, on one node. [serial] */
  skerry_status (*run)(skerry_instance *, uint64_t call_id, skerry_bytes params, const skerry_sink *result,
                       skerry_error *);
} skerry_task_v1;

/* What a task can ask of its worker while run() is in progress. */
#define SKERRY_EXT_TASK "skerry.task/1"
typedef struct skerry_ext_task {
  uint32_t struct_size;
  uint32_t reserved;
  /* The path of an input artifact, valid while run() is. [serial] */
  skerry_status (*input_path)(const skerry_host *, const char *name, const char **path, skerry_error *);
  /* The tensors of an input artifact in safetensors form, mapped read-only, valid while run() is. [serial] */
  skerry_status (*input_tensors)(const skerry_host *, const char *name, const skerry_named_tensor **out,
                                 uint64_t *count, skerry_error *);
  /* Writes an output artifact in safetensors form. [serial] */
  skerry_status (*write_tensors)(const skerry_host *, const char *name, const skerry_named_tensor *, uint64_t count,
                                 skerry_error *);
  /* The rows of the dataset in `slot` that belong to this node: split "train" or "holdout", share `index` of `parts`
   * unless the job's partition says otherwise; parts 1, index 0: all rows. Split "info": no rows, only the
   * description. Kept in memory for the worker's life. [serial] */
  skerry_status (*load_data)(const skerry_host *, const char *slot, const char *split, uint32_t index, uint32_t parts,
                             const skerry_data **out, skerry_error *);
  /* Runs the aggregation in `slot` over input artifacts, tile by tile, and writes the output artifact. `base`: the
   * name of the input that the updates started from. [serial] */
  skerry_status (*aggregate)(const skerry_host *, const char *slot, const char *const *inputs,
                             const skerry_update *updates, uint64_t count, const char *base, const char *output,
                             skerry_error *);
  void (*metric)(const skerry_host *, const char *name, double value);  /* [serial] */
  void (*progress)(const skerry_host *, double fraction);               /* [any-thread] 0..1 */
  /* Answers questions with the job's features until the task is to stop, or another version has taken its place. Only
   * in a task that was started to serve. settings: a JSON object, see docs/workflows.md. [serial] */
  skerry_status (*serve)(const skerry_host *, skerry_bytes settings, skerry_error *);
} skerry_ext_task;

/* ------------------------------------------------------------------------------------------------ the entry */

typedef struct skerry_entry {
  uint32_t struct_size, abi_major, abi_minor, reserved;
  /* plugin.json, the same bytes as in the file's ".skerry.plugin" section: ids, kinds, versions, config schemas. */
  const char *manifest;
  uint64_t manifest_size;
  /* config: one JSON object, checked and with defaults filled in. [serial] */
  skerry_status (*create)(const skerry_host *, const char *feature_id, const char *kind, skerry_bytes config,
                          skerry_instance **out, skerry_error *);
  /* The struct of that kind ("aggregation/1": skerry_aggregation_v1), or NULL. [any-thread] */
  const void *(*get_interface)(skerry_instance *, const char *kind);
  void (*destroy)(skerry_instance *); /* [serial] */
} skerry_entry;

/* The only symbol that a plugin exports:
 *   const skerry_entry skerry_plugin_entry_v1 = { ... }; */
#define SKERRY_ENTRY_SYMBOL "skerry_plugin_entry_v1"

#ifdef __cplusplus
}
#endif

#endif
