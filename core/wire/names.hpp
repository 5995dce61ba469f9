// What a name may look like on the wire.
#pragma once

#include <cstddef>
#include <string_view>

namespace skerry::wire {

inline constexpr std::size_t kMaxNodeName = 63;
inline constexpr std::size_t kMaxId = 200;

// A DNS label: a-z, 0-9 and "-", not first or last; 1 to 63 characters.
bool is_node_name(std::string_view text);
// Ids of jobs, tasks and features: 1 to 200 printable ASCII characters.
bool is_id(std::string_view text);

// Where to connect: tcp://HOST:PORT, port 1 to 65535.
bool is_tcp_endpoint(std::string_view text);

}  // namespace skerry::wire
