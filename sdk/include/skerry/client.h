/* Asking the services of an edge host on this machine. Link Skerry::client.
 *
 *   skerry_client *client;
 *   skerry_client_open("/var/lib/skerry", &client, &error);
 *   skerry_client_predict(client, "digits", &tensor, 80000, &answer, &error);
 *
 * Each question gets one answer, by its deadline. Several may be under way: skerry_client_ask() sends one and
 * skerry_client_next() gives answers as they come. A client belongs to one thread at a time. C99 and C++11. */
#ifndef SKERRY_CLIENT_H
#define SKERRY_CLIENT_H

#include <skerry/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct skerry_client skerry_client;

typedef struct skerry_answer {
  uint32_t struct_size;  /* to be set before the call */
  uint32_t by_cloud;     /* 1: the cloud has answered, 0: the edge */
  uint32_t hard;         /* 1: the filter found the example hard */
  uint32_t fallback;     /* 1: the cloud was to answer and did not in time, so that the edge did */
  uint64_t id;           /* of the question, as skerry_client_ask() gave it */
  const char *code;      /* "": there is an answer. Otherwise a stable code: "deadline.exceeded", "shape.mismatch", ... */
  const char *message;   /* for a person, where there is a code */
  const float *outputs;  /* of the model; for classes their probabilities */
  uint64_t count;        /* outputs */
  double score;          /* the filter's; higher: harder */
  uint64_t version;      /* of the model that answered */
  uint32_t total_us;     /* from the edge's worker's arrival to its answer, microseconds; of which */
  uint32_t wire_us;      /* on the way to the cloud and back, */
  uint32_t queue_us;     /* waiting at the cloud, */
  uint32_t compute_us;   /* in the model that answered */
} skerry_answer;

/* edge: the edge host's state directory, or its socket as "ipc://PATH". Fails within two seconds where no host answers. */
skerry_status skerry_client_open(const char *edge, skerry_client **out, skerry_error *);
void skerry_client_close(skerry_client *);

/* Sends a question about one example: a dense tensor of float32 or uint8 elements. deadline_us: how long an answer is
 * of use, from now; 0: as long as the service says. */
skerry_status skerry_client_ask(skerry_client *, const char *service, const skerry_tensor *example, uint32_t deadline_us,
                                uint64_t *id, skerry_error *);
/* The same about an example as bytes that the service's payload plugin decodes: a picture's file, as a rule. */
skerry_status skerry_client_ask_encoded(skerry_client *, const char *service, skerry_bytes example, uint32_t deadline_us,
                                        uint64_t *id, skerry_error *);
/* The next answer, waiting up to timeout_us for it; SKERRY_RETRY: none came. What *out points to is valid until the next
 * call. */
skerry_status skerry_client_next(skerry_client *, uint64_t timeout_us, skerry_answer *out, skerry_error *);
/* Asks and waits for the answer to this question; answers to others that come meanwhile are kept for
 * skerry_client_next(). */
skerry_status skerry_client_predict(skerry_client *, const char *service, const skerry_tensor *example,
                                    uint32_t deadline_us, skerry_answer *out, skerry_error *);
skerry_status skerry_client_predict_encoded(skerry_client *, const char *service, skerry_bytes example,
                                            uint32_t deadline_us, skerry_answer *out, skerry_error *);

#ifdef __cplusplus
}
#endif

#endif
