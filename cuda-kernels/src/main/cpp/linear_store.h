#pragma once

#include <immintrin.h>

#include "bf16.h"
#include "linear.h"

/* What becomes of sums when k is done: scaled, with the bias, in the output's type. Static, as each file
 * that includes it is compiled for another instruction set. */
namespace openlora {

/* Columns [column, column + 16) of a row. */
[[maybe_unused]] static inline void store(const Linear& l, int64_t row, int64_t column, const float* sums) {
  for (int64_t c = column; c < l.n && c < column + 16; c++) {
    float bias = l.bias == nullptr ? 0.0f : widen(l.bias[c]);
    float sum = sums[c - column];
    float value = l.scale == nullptr ? sum + bias : __builtin_fmaf(sum, l.scale[c], bias);
    int64_t at = row * l.out_stride + c;
    if (l.out_bf16) {
      uint16_t* out = static_cast<uint16_t*>(l.out) + at;
      *out = narrow(l.add ? widen(*out) + value : value);
    } else {
      float* out = static_cast<float*>(l.out) + at;
      *out = l.add ? *out + value : value;
    }
  }
}

#ifdef __AVX512BF16__
[[maybe_unused]] static inline __m512 widened(const uint16_t* from, __mmask16 mask) {
  __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

/* The lanes of 16 that are columns of the product. */
static inline __mmask16 inside(const Linear& l, int64_t column) {
  int64_t left = l.n - column;
  return left >= 16 ? 0xFFFF : left <= 0 ? 0 : static_cast<__mmask16>((1u << left) - 1);
}

/* Values to their place, or added to what is there. */
static inline void put(const Linear& l, int64_t at, __mmask16 mask, __m512 values) {
  if (l.out_bf16) {
    uint16_t* out = static_cast<uint16_t*>(l.out) + at;
    values = l.add ? _mm512_add_ps(values, widened(out, mask)) : values;
    _mm256_mask_storeu_epi16(out, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)));
  } else {
    float* out = static_cast<float*>(l.out) + at;
    values = l.add ? _mm512_add_ps(values, _mm512_maskz_loadu_ps(mask, out)) : values;
    _mm512_mask_storeu_ps(out, mask, values);
  }
}

[[maybe_unused]] static inline void store(const Linear& l, int64_t row, int64_t column, __m512 sums) {
  if (column >= l.n) {
    return;
  }
  __mmask16 mask = inside(l, column);
  __m512 bias = l.bias == nullptr ? _mm512_setzero_ps() : widened(l.bias + column, mask);
  __m512 values = l.scale == nullptr ? _mm512_add_ps(sums, bias)
                                     : _mm512_fmadd_ps(sums, _mm512_load_ps(l.scale + column), bias);
  put(l, row * l.out_stride + column, mask, values);
}
#endif

}  // namespace openlora
