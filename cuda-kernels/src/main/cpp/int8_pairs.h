#pragma once

#include <immintrin.h>

#include <cstdint>

namespace openlora {

/* One pair of k in bf16: columns 0..15 and 16..31 of a panel. */
struct Pairs {
  __m512i left;
  __m512i right;
};

/* Lane c of a line: columns c and 16 + c, two bytes each. */
static inline int64_t lane_order(int64_t c, int64_t i) { return c % 16 * 4 + c / 16 * 2 + i; }

/* A byte becomes the last bits of a float's mantissa, its sign bit turned: exponent + 128 + q. What is
 * left after the subtraction is q, and has its bf16 in the upper half and nothing below. */
static inline __m512i float_of(__m512i bytes, int mask, int exponent, float offset) {
  constexpr int AND_XOR = 0x6A; /* (a & b) ^ c */
  __m512i bits = _mm512_ternarylogic_epi32(bytes, _mm512_set1_epi32(mask), _mm512_set1_epi32(exponent), AND_XOR);
  return _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(bits), _mm512_set1_ps(offset)));
}

static inline __m512i pairs_of(__m512i bytes) {
  __m512i even = float_of(bytes, 0xFF, 0x4B000080, 8388608.0f + 128);
  __m512i odd = float_of(bytes, 0xFF00, 0x47008000, 32768.0f + 128);
  return _mm512_or_si512(_mm512_srli_epi32(even, 16), odd);
}

static inline Pairs widen_line(const int8_t* line) {
  __m512i bytes = _mm512_load_si512(line);
  return {pairs_of(bytes), pairs_of(_mm512_srli_epi32(bytes, 16))};
}

}  // namespace openlora
