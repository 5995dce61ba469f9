// Whether a sanitizer watches this program: memory and time are not as usual. GCC defines these for
// -fsanitize=address and =thread.
#pragma once

namespace skerry {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace skerry
