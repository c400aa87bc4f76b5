/* bf16 weights widened in registers, f32 multiply-add: for machines without AVX-512 BF16. */
#include <immintrin.h>

#include "bf16.h"
#include "linear.h"
#include "linear_store.h"

namespace openlora {

namespace {

constexpr int ROWS = 4;

/* ROWS_ rows of one strip of 16 columns: 2 vectors of 8 for each row. */
template <int ROWS_>
struct Sums {
  __m256 of[ROWS_][2];
};

template <int ROWS_>
__attribute__((always_inline)) inline void multiply(Sums<ROWS_>& sums, const uint16_t* x, int64_t x_stride,
                                                    const uint16_t* w, int64_t depth) {
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xFFFF0000u));
  for (int64_t k = 0; k < depth; k += 2, w += 2 * STRIP) {
    __m256i pairs[2] = {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w + 16))};
    __m256 even[2], odd[2];
    for (int c = 0; c < 2; c++) {
      even[c] = _mm256_castsi256_ps(_mm256_slli_epi32(pairs[c], 16));
      odd[c] = _mm256_castsi256_ps(_mm256_and_si256(pairs[c], upper));
    }
    for (int r = 0; r < ROWS_; r++) {
      __m256 x0 = _mm256_set1_ps(widen(x[r * x_stride + k]));
      __m256 x1 = _mm256_set1_ps(widen(x[r * x_stride + k + 1]));
      for (int c = 0; c < 2; c++) {
        sums.of[r][c] = _mm256_fmadd_ps(x0, even[c], sums.of[r][c]);
        sums.of[r][c] = _mm256_fmadd_ps(x1, odd[c], sums.of[r][c]);
      }
    }
  }
}

template <int ROWS_>
void block(const Linear& l, int64_t row, int64_t strip) {
  Sums<ROWS_> sums;
  for (int r = 0; r < ROWS_; r++) {
    sums.of[r][0] = _mm256_setzero_ps();
    sums.of[r][1] = _mm256_setzero_ps();
  }
  multiply(sums, l.x + row * l.x_stride, l.x_stride, l.packed + strip * l.padded_k * STRIP, l.padded_k);
  each_extension(l, row, ROWS_, strip, [&](const uint16_t* x, int64_t depth, const uint16_t* w) {
    multiply(sums, x, depth, w, depth);
  });
  for (int r = 0; r < ROWS_; r++) {
    float values[16];
    _mm256_storeu_ps(values, sums.of[r][0]);
    _mm256_storeu_ps(values + 8, sums.of[r][1]);
    store(l, row + r, strip * STRIP, values);
  }
}

}  // namespace

bool linear_avx2(const Linear& l, int64_t panel_from, int64_t panel_to) {
  for (int64_t panel = panel_from; panel < panel_to; panel++) {
    for (int64_t row = 0; row < l.m; row += ROWS) {
      for (int64_t strip = 2 * panel; strip < 2 * panel + 2; strip++) {
        switch (l.m - row) {
          case 1: block<1>(l, row, strip); break;
          case 2: block<2>(l, row, strip); break;
          case 3: block<3>(l, row, strip); break;
          default: block<4>(l, row, strip);
        }
      }
    }
  }
  return true;
}

}  // namespace openlora
