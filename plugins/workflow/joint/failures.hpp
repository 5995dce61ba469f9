// What becomes of a task that failed, or ended by itself.
#pragma once

#include <string>

#include "step.hpp"

namespace joint {

// The newest version at this place did, with the event of this step.
void failed(Step&, const std::string& place);

}  // namespace joint
