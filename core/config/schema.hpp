#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "core/config/source_map.hpp"

namespace skerry::config {

// What a schema cannot know by itself. Each function returns the value to put in the resolved
// document, and adds to `problems` what is wrong; `pointer` is the value's place.
class SchemaHooks {
 public:
  virtual ~SchemaHooks() = default;
  // A property with "slot": the value names a plugin of that kind, or nearly so.
  virtual Json slot(const std::string& kind, const Json& value, const std::string& pointer,
                    std::vector<Problem>& problems) = 0;
  // A property with "reference": the value names a resource of that kind.
  virtual Json reference(const std::string& kind, const std::string& name,
                         const std::string& pointer, std::vector<Problem>& problems) = 0;
  // A property with format "artifact": `path` is absolute.
  virtual Json artifact(const std::string& path, const std::string& pointer,
                        std::vector<Problem>& problems) = 0;
};

struct SchemaContext {
  const SourceMap* source = nullptr;  // gives lines to problems, and folders to relative paths
  std::string pointer;                // of the value in the source
  std::optional<int> nodes;           // for "atMost": "nodes"; unknown: not checked
  bool check_files = false;           // must files with format "path" exist here and now?
  bool check_required = true;    // false for a part of a value, whose rest comes from elsewhere
  SchemaHooks* hooks = nullptr;  // null: slots, references and artifacts stay as they are
};

// The value with defaults filled in and paths made absolute. All problems are added to `problems`,
// not only the first; when there are any, the value returned is of no use. The schema must have
// passed plugin::check_schema.
Json apply_schema(const Json& schema, const Json& value, const SchemaContext& context,
                  std::vector<Problem>& problems);

}  // namespace skerry::config
