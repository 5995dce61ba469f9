// The layout of every struct of the boundary on 64-bit machines. A change here breaks plugins that
// were built before: members may only be appended, and never to structs that travel in arrays.
#include <gtest/gtest.h>
#include <skerry/abi.h>

#define SIZE(type, bytes) static_assert(sizeof(type) == (bytes), "the size of " #type " changed")
#define OFFSET(type, member, bytes) \
  static_assert(offsetof(type, member) == (bytes), #type "::" #member " moved")

#if defined(__LP64__)

SIZE(skerry_error, 512);
OFFSET(skerry_error, struct_size, 0);
OFFSET(skerry_error, code, 4);
OFFSET(skerry_error, field, 8);
OFFSET(skerry_error, message, 72);

SIZE(skerry_bytes, 16);
OFFSET(skerry_bytes, data, 0);
OFFSET(skerry_bytes, size, 8);

SIZE(skerry_sink, 24);
OFFSET(skerry_sink, struct_size, 0);
OFFSET(skerry_sink, reserved, 4);
OFFSET(skerry_sink, ctx, 8);
OFFSET(skerry_sink, write, 16);

SIZE(skerry_metric_sink, 24);
OFFSET(skerry_metric_sink, struct_size, 0);
OFFSET(skerry_metric_sink, reserved, 4);
OFFSET(skerry_metric_sink, ctx, 8);
OFFSET(skerry_metric_sink, add, 16);

SIZE(skerry_tensor, 48);
OFFSET(skerry_tensor, data, 0);
OFFSET(skerry_tensor, device_type, 8);
OFFSET(skerry_tensor, device_id, 12);
OFFSET(skerry_tensor, ndim, 16);
OFFSET(skerry_tensor, dtype_code, 20);
OFFSET(skerry_tensor, dtype_bits, 21);
OFFSET(skerry_tensor, dtype_lanes, 22);
OFFSET(skerry_tensor, shape, 24);
OFFSET(skerry_tensor, strides, 32);
OFFSET(skerry_tensor, byte_offset, 40);

SIZE(skerry_named_tensor, 56);
OFFSET(skerry_named_tensor, name, 0);
OFFSET(skerry_named_tensor, tensor, 8);

SIZE(skerry_owned_tensor, 64);
OFFSET(skerry_owned_tensor, tensor, 0);
OFFSET(skerry_owned_tensor, release, 48);
OFFSET(skerry_owned_tensor, ctx, 56);

SIZE(skerry_host, 48);
OFFSET(skerry_host, struct_size, 0);
OFFSET(skerry_host, abi_major, 4);
OFFSET(skerry_host, abi_minor, 8);
OFFSET(skerry_host, reserved, 12);
OFFSET(skerry_host, ctx, 16);
OFFSET(skerry_host, log, 24);
OFFSET(skerry_host, get_extension, 32);
OFFSET(skerry_host, cancelled, 40);

SIZE(skerry_ext_threads, 16);
OFFSET(skerry_ext_threads, struct_size, 0);
OFFSET(skerry_ext_threads, reserved, 4);
OFFSET(skerry_ext_threads, budget, 8);

SIZE(skerry_feature, 32);
OFFSET(skerry_feature, instance, 0);
OFFSET(skerry_feature, interface, 8);
OFFSET(skerry_feature, id, 16);
OFFSET(skerry_feature, kind, 24);

SIZE(skerry_ext_features, 16);
OFFSET(skerry_ext_features, struct_size, 0);
OFFSET(skerry_ext_features, reserved, 4);
OFFSET(skerry_ext_features, open, 8);

SIZE(skerry_update, 24);
OFFSET(skerry_update, node, 0);
OFFSET(skerry_update, samples, 8);
OFFSET(skerry_update, loss, 16);

SIZE(skerry_tile, 56);
OFFSET(skerry_tile, struct_size, 0);
OFFSET(skerry_tile, tensor, 4);
OFFSET(skerry_tile, dtype_code, 8);
OFFSET(skerry_tile, dtype_bits, 9);
OFFSET(skerry_tile, reserved0, 10);
OFFSET(skerry_tile, clients, 12);
OFFSET(skerry_tile, offset, 16);
OFFSET(skerry_tile, count, 24);
OFFSET(skerry_tile, inputs, 32);
OFFSET(skerry_tile, base, 40);
OFFSET(skerry_tile, output, 48);

SIZE(skerry_aggregation_v1, 40);
OFFSET(skerry_aggregation_v1, struct_size, 0);
OFFSET(skerry_aggregation_v1, reserved, 4);
OFFSET(skerry_aggregation_v1, begin, 8);
OFFSET(skerry_aggregation_v1, observe, 16);
OFFSET(skerry_aggregation_v1, combine, 24);
OFFSET(skerry_aggregation_v1, finish, 32);

SIZE(skerry_candidate, 40);
OFFSET(skerry_candidate, node, 0);
OFFSET(skerry_candidate, samples, 8);
OFFSET(skerry_candidate, loss, 16);
OFFSET(skerry_candidate, seconds, 24);
OFFSET(skerry_candidate, last_round, 32);
OFFSET(skerry_candidate, reserved, 36);

SIZE(skerry_selection_v1, 16);
OFFSET(skerry_selection_v1, struct_size, 0);
OFFSET(skerry_selection_v1, reserved, 4);
OFFSET(skerry_selection_v1, select, 8);

SIZE(skerry_dataset_info, 88);
OFFSET(skerry_dataset_info, struct_size, 0);
OFFSET(skerry_dataset_info, ndim, 4);
OFFSET(skerry_dataset_info, shape, 8);
OFFSET(skerry_dataset_info, rows, 72);
OFFSET(skerry_dataset_info, label_kind, 80);
OFFSET(skerry_dataset_info, classes, 84);

SIZE(skerry_dataset_v1, 32);
OFFSET(skerry_dataset_v1, struct_size, 0);
OFFSET(skerry_dataset_v1, reserved, 4);
OFFSET(skerry_dataset_v1, info, 8);
OFFSET(skerry_dataset_v1, labels, 16);
OFFSET(skerry_dataset_v1, read, 24);

SIZE(skerry_data, 112);
OFFSET(skerry_data, struct_size, 0);
OFFSET(skerry_data, reserved, 4);
OFFSET(skerry_data, info, 8);
OFFSET(skerry_data, features, 16);
OFFSET(skerry_data, labels, 64);

SIZE(skerry_train_params, 24);
OFFSET(skerry_train_params, struct_size, 0);
OFFSET(skerry_train_params, round, 4);
OFFSET(skerry_train_params, seed, 8);
OFFSET(skerry_train_params, call_id, 16);

SIZE(skerry_estimator_v1, 56);
OFFSET(skerry_estimator_v1, struct_size, 0);
OFFSET(skerry_estimator_v1, reserved, 4);
OFFSET(skerry_estimator_v1, prepare, 8);
OFFSET(skerry_estimator_v1, weights, 16);
OFFSET(skerry_estimator_v1, set_weights, 24);
OFFSET(skerry_estimator_v1, train, 32);
OFFSET(skerry_estimator_v1, evaluate, 40);
OFFSET(skerry_estimator_v1, predict, 48);

SIZE(skerry_workflow_v1, 16);
OFFSET(skerry_workflow_v1, struct_size, 0);
OFFSET(skerry_workflow_v1, reserved, 4);
OFFSET(skerry_workflow_v1, decide, 8);

SIZE(skerry_task_v1, 16);
OFFSET(skerry_task_v1, struct_size, 0);
OFFSET(skerry_task_v1, reserved, 4);
OFFSET(skerry_task_v1, run, 8);

SIZE(skerry_ext_task, 64);
OFFSET(skerry_ext_task, struct_size, 0);
OFFSET(skerry_ext_task, reserved, 4);
OFFSET(skerry_ext_task, input_path, 8);
OFFSET(skerry_ext_task, input_tensors, 16);
OFFSET(skerry_ext_task, write_tensors, 24);
OFFSET(skerry_ext_task, load_data, 32);
OFFSET(skerry_ext_task, aggregate, 40);
OFFSET(skerry_ext_task, metric, 48);
OFFSET(skerry_ext_task, progress, 56);

SIZE(skerry_entry, 56);
OFFSET(skerry_entry, struct_size, 0);
OFFSET(skerry_entry, abi_major, 4);
OFFSET(skerry_entry, abi_minor, 8);
OFFSET(skerry_entry, reserved, 12);
OFFSET(skerry_entry, manifest, 16);
OFFSET(skerry_entry, manifest_size, 24);
OFFSET(skerry_entry, create, 32);
OFFSET(skerry_entry, get_interface, 40);
OFFSET(skerry_entry, destroy, 48);

#endif

static_assert(SKERRY_OK == 0 && SKERRY_INVALID_ARGUMENT == 1 && SKERRY_UNSUPPORTED == 2 &&
                  SKERRY_FAILED == 3 && SKERRY_CANCELLED == 4 && SKERRY_RETRY == 5 &&
                  SKERRY_INTERNAL == 6,
              "status codes are never renumbered");
static_assert(SKERRY_INT == 0 && SKERRY_UINT == 1 && SKERRY_FLOAT == 2 && SKERRY_BFLOAT == 4 &&
                  SKERRY_BOOL == 6,
              "DLPack's codes");
static_assert(SKERRY_LABEL_NONE == 0 && SKERRY_LABEL_CLASS == 1 && SKERRY_LABEL_REAL == 2,
              "never renumbered");

namespace {

TEST(Layout, TellsWhetherAnOlderWriterKnewAMember) {
  skerry_entry entry{};
  entry.struct_size = offsetof(skerry_entry, destroy);
  EXPECT_FALSE(SKERRY_HAS(skerry_entry, &entry, destroy));
  EXPECT_TRUE(SKERRY_HAS(skerry_entry, &entry, get_interface));
  entry.struct_size = sizeof(skerry_entry);
  EXPECT_TRUE(SKERRY_HAS(skerry_entry, &entry, destroy));
}

TEST(Layout, NamesTheEntryAfterTheMajor) {
  EXPECT_STREQ(SKERRY_ENTRY_SYMBOL, "skerry_plugin_entry_v1");
  EXPECT_EQ(SKERRY_ABI_MAJOR, 1);
}

}  // namespace
