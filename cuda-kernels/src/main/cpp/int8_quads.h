#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstdint>

#include "linear.h"

/* Panels of bytes as two strips of quads, [k / 4][16][4]: what both VNNI and the tile unit take, and two lines of pairs
 * when widened. Static, as each file that includes it is compiled for another instruction set. */
namespace openlora {

static inline int64_t quad_order(int64_t c, int64_t k, int64_t depth) {
  return c / STRIP * STRIP * depth + k / 4 * (4 * STRIP) + c % STRIP * 4 + k % 4;
}

/* A byte becomes the last bits of a float's mantissa, its sign bit turned: exponent + 128 + q. What is
 * left after the subtraction is q, and has its bf16 in the upper half and nothing below. */
static inline __m512i float_of(__m512i bytes, int mask, int exponent, float offset) {
  constexpr int AND_XOR = 0x6A; /* (a & b) ^ c */
  __m512i bits = _mm512_ternarylogic_epi32(bytes, _mm512_set1_epi32(mask), _mm512_set1_epi32(exponent), AND_XOR);
  return _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(bits), _mm512_set1_ps(offset)));
}

/* The lower two bytes of each lane in bf16. */
static inline __m512i pairs_of(__m512i bytes) {
  __m512i even = float_of(bytes, 0xFF, 0x4B000080, 8388608.0f + 128);
  __m512i odd = float_of(bytes, 0xFF00, 0x47008000, 32768.0f + 128);
  return _mm512_or_si512(_mm512_srli_epi32(even, 16), odd);
}

/* Four of k in bf16: two lines of a strip of pairs. */
struct Pairs {
  __m512i first;
  __m512i second;
};

static inline Pairs widen_line(const int8_t* line) {
  __m512i bytes = _mm512_load_si512(line);
  return {pairs_of(bytes), pairs_of(_mm512_srli_epi32(bytes, 16))};
}

/* Rows [row, m) of `count` panels, by a bf16 kernel on their widened weights. */
static inline Linear widened_part(const Linear& l, int64_t row, int64_t panel, int64_t count, const uint16_t* widened) {
  int64_t column = panel * PANEL;
  int64_t at = (row * l.out_stride + column) * (l.out_bf16 ? 2 : 4);
  Linear part = l;
  part.out = static_cast<char*>(l.out) + at;
  part.x += row * l.x_stride;
  part.packed = widened;
  part.bytes = nullptr;
  part.bias = l.bias == nullptr ? nullptr : l.bias + column;
  part.scale += column;
  part.addends = l.addends == nullptr ? nullptr : l.addends + row * l.addend_stride + column;
  part.m -= row;
  part.n = std::min(l.n - column, count * PANEL);
  return part;
}

/* What the digits of a row and 16 columns come to, each a whole number. */
static inline __m512 value_of_digits(__m512i least, __m512i middle, __m512i greatest, float unit) {
  const __m512 base = _mm512_set1_ps(256);
  __m512 sums = _mm512_fmadd_ps(_mm512_cvtepi32_ps(greatest), base, _mm512_cvtepi32_ps(middle));
  sums = _mm512_fmadd_ps(sums, base, _mm512_cvtepi32_ps(least));
  return _mm512_mul_ps(sums, _mm512_set1_ps(unit));
}

}  // namespace openlora
