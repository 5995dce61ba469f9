#pragma once

namespace skerry::engine {

// As many file descriptors as the system allows: a listener that runs out of them spins.
void raise_descriptor_limit();

}  // namespace skerry::engine
