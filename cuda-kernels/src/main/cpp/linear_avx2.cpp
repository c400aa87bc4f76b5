/* bf16 weights widened in registers, f32 multiply-add: for machines without AVX-512 BF16. */
#include <immintrin.h>

#include "bf16.h"
#include "linear.h"
#include "linear_store.h"

namespace openlora {

namespace {

constexpr int ROWS = 4;

/* ROWS_ rows times one half panel of 16 columns: 2 vectors of 8 for each row. */
template <int ROWS_>
void block(const Linear& l, int64_t row, int64_t panel, int half) {
  __m256 sums[ROWS_][2];
  for (int r = 0; r < ROWS_; r++) {
    sums[r][0] = _mm256_setzero_ps();
    sums[r][1] = _mm256_setzero_ps();
  }
  const uint16_t* w = l.packed + panel * l.padded_k * PANEL + half * 32;
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xFFFF0000u));
  for (int64_t k = 0; k < l.padded_k; k += 2, w += 2 * PANEL) {
    __m256i pairs[2] = {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 16))};
    __m256 even[2], odd[2];
    for (int c = 0; c < 2; c++) {
      even[c] = _mm256_castsi256_ps(_mm256_slli_epi32(pairs[c], 16));
      odd[c] = _mm256_castsi256_ps(_mm256_and_si256(pairs[c], upper));
    }
    for (int r = 0; r < ROWS_; r++) {
      const uint16_t* x = l.x + (row + r) * l.x_stride + k;
      __m256 x0 = _mm256_set1_ps(widen(x[0]));
      __m256 x1 = _mm256_set1_ps(widen(x[1]));
      for (int c = 0; c < 2; c++) {
        sums[r][c] = _mm256_fmadd_ps(x0, even[c], sums[r][c]);
        sums[r][c] = _mm256_fmadd_ps(x1, odd[c], sums[r][c]);
      }
    }
  }
  for (int r = 0; r < ROWS_; r++) {
    float values[16];
    _mm256_storeu_ps(values, sums[r][0]);
    _mm256_storeu_ps(values + 8, sums[r][1]);
    store(l, row + r, panel * PANEL + half * 16, values);
  }
}

}  // namespace

bool linear_avx2(const Linear& l, int64_t panel_from, int64_t panel_to) {
  for (int64_t panel = panel_from; panel < panel_to; panel++) {
    for (int64_t row = 0; row < l.m; row += ROWS) {
      for (int half = 0; half < 2; half++) {
        switch (l.m - row) {
          case 1: block<1>(l, row, panel, half); break;
          case 2: block<2>(l, row, panel, half); break;
          case 3: block<3>(l, row, panel, half); break;
          default: block<4>(l, row, panel, half);
        }
      }
    }
  }
  return true;
}

}  // namespace openlora
