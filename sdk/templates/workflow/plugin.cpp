#include <skerry/task.hpp>
#include <skerry/workflow.hpp>

// Decides what happens next, from the state that it left and one event. It runs on the cloud, and may use no clock, file
// or memory of its own: docs/workflows.md has the events and the commands.
class @CLASS@ : public skerry::Workflow {
 public:
  skerry::Decision decide(const skerry::Event& event, skerry::Json state) override {
    skerry::Commands commands;
    if (!state.is_object()) state = {{"waiting", 0}, {"rows", 0}};
    using Type = skerry::Event::Type;
    if (event.type == Type::started) {
      const std::size_t nodes = event.nodes.size();
      for (std::size_t i = 0; i < nodes; ++i)
        commands.start_task({"count/" + event.nodes[i], "@NAME@.count", event.nodes[i], {{"index", i}, {"parts", nodes}}});
      state["waiting"] = nodes;
      if (nodes == 0) commands.fail("no node is online");
    } else if (event.type == Type::task_failed && event.kind == "@NAME@.count") {
      commands.fail(event.node + ": " + event.message);
    } else if (event.type == Type::task_finished && event.kind == "@NAME@.count") {
      state["waiting"] = state.value("waiting", 0) - 1;
      state["rows"] = state.value("rows", 0) + event.result.value("rows", 0);
      if (state["waiting"] == 0) commands.succeed(std::to_string(state.value("rows", 0)) + " rows in all");
    }
    return {std::move(state), std::move(commands)};
  }
};

// Runs in a worker on a node, and may do what it likes there.
class @CLASS@Count : public skerry::Task {
 public:
  void run(skerry::TaskContext& context) override {
    const auto index = static_cast<std::uint32_t>(context.params().integer("index"));
    const auto parts = static_cast<std::uint32_t>(context.params().integer("parts"));
    const skerry_data& data = context.load_data("dataset", "train", index, parts);
    context.result() = {{"rows", skerry::rows_of(data)}};
  }
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"), skerry::feature<@CLASS@Count>("@NAME@.count"));
