#pragma once

/* One register of floats, 16 of them for AVX-512 and 8 for AVX2, for loops that keep arrays of them: g++ 12 keeps
 * longer vectors in memory. Included by files that define OL_VARIANT, the namespace of one variant. */

#include <immintrin.h>

#include <cstdint>

namespace openlora {
namespace OL_VARIANT {

#ifdef __AVX512F__
constexpr int64_t WIDTH = 16;
#else
constexpr int64_t WIDTH = 8;
#endif

/* Values, and as they lie in memory, of any type. */
typedef float Wide __attribute__((vector_size(WIDTH * 4), aligned(4), may_alias));
typedef int32_t WideInts __attribute__((vector_size(WIDTH * 4), aligned(2), may_alias));

/* Both halves of a register together, until one number is left. */
template <typename Both>
inline float fold(Wide v, Both both) {
#ifdef __AVX512F__
  __m256 half = both(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
#else
  __m256 half = v;
#endif
  __m128 quarter = both(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = both(quarter, _mm_movehl_ps(quarter, quarter));
  return both(quarter, _mm_movehdup_ps(quarter))[0];
}

inline float sum_of(Wide v) {
  return fold(v, [](auto a, auto b) { return a + b; });
}

}  // namespace OL_VARIANT
}  // namespace openlora
