/* Compiled in each language that a plugin may be written in; see CMakeLists.txt. */
#include <skerry/abi.h>
#include <skerry/client.h>

extern const skerry_entry skerry_plugin_entry_v1;
const skerry_entry skerry_plugin_entry_v1 = {
    sizeof(skerry_entry), SKERRY_ABI_MAJOR, SKERRY_ABI_MINOR, 0, NULL, 0, NULL, NULL, NULL};

int knows_destroy(const skerry_entry* entry);
int knows_destroy(const skerry_entry* entry) {
  return SKERRY_HAS(skerry_entry, entry, destroy);
}

/* An application's. */
skerry_status asks(skerry_client* client, const skerry_tensor* example, skerry_error* error);
skerry_status asks(skerry_client* client, const skerry_tensor* example, skerry_error* error) {
  skerry_answer answer;
  uint64_t id = 0;
  const skerry_status status = skerry_client_ask(client, "digits", example, 80000, &id, error);
  answer.struct_size = sizeof answer;
  return status == SKERRY_OK ? skerry_client_next(client, 0, &answer, error) : status;
}
