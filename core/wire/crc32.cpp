#include "core/wire/crc32.hpp"

#include <zlib.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace skerry::wire {
namespace {

// zlib takes a null pointer for "start again".
std::uint32_t portable(std::uint32_t crc, Bytes data) {
  if (data.empty()) return crc;
  return static_cast<std::uint32_t>(
      crc32_z(crc, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

#ifdef __x86_64__

constexpr std::size_t kLane = 16, kLanes = 4 * kLane;

__attribute__((target("pclmul,sse4.1"))) inline __m128i load(const std::byte* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

__attribute__((target("pclmul,sse4.1"))) inline __m128i fold(__m128i lane, __m128i by,
                                                             __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(lane, by, 0x00);
  const __m128i high = _mm_clmulepi64_si128(lane, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(high, low), next);
}

// Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel,
// 2009); the constants are those of its appendix for the bit-reflected polynomial of IEEE 802.3.
// `data` is a multiple of kLane, and at least kLanes.
__attribute__((target("pclmul,sse4.1"))) std::uint32_t folded(std::uint32_t state, Bytes data) {
  const __m128i by_four = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by_one = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const __m128i to_half = _mm_set_epi64x(0, 0x0163cd6124);
  const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  const __m128i low_words = _mm_setr_epi32(~0, 0, ~0, 0);

  const std::byte* at = data.data();
  const std::byte* const end = at + data.size();
  __m128i a = _mm_xor_si128(load(at), _mm_cvtsi32_si128(static_cast<int>(state)));
  __m128i b = load(at + kLane), c = load(at + 2 * kLane), d = load(at + 3 * kLane);
  for (at += kLanes; at + kLanes <= end; at += kLanes) {
    a = fold(a, by_four, load(at));
    b = fold(b, by_four, load(at + kLane));
    c = fold(c, by_four, load(at + 2 * kLane));
    d = fold(d, by_four, load(at + 3 * kLane));
  }
  a = fold(fold(fold(a, by_one, b), by_one, c), by_one, d);
  for (; at < end; at += kLane) a = fold(a, by_one, load(at));

  a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, by_one, 0x10));
  a = _mm_xor_si128(_mm_srli_si128(a, 4),
                    _mm_clmulepi64_si128(_mm_and_si128(a, low_words), to_half, 0x00));
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(a, low_words), barrett, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), barrett, 0x00);
  return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_xor_si128(a, quotient), 1));
}

#endif

}  // namespace

std::uint32_t crc32(std::uint32_t crc, Bytes data) {
#ifdef __x86_64__
  static const bool able = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  if (able && data.size() >= kLanes) {
    const Bytes whole = data.first(data.size() / kLane * kLane);
    crc = ~folded(~crc, whole);
    data = data.subspan(whole.size());
  }
#endif
  return portable(crc, data);
}

}  // namespace skerry::wire
