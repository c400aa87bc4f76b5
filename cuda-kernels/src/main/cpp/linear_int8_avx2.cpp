/* int8 weights widened to f32 in registers, f32 multiply-add, over k in one order whatever the rows. */
#include <immintrin.h>

#include "linear_int8.h"
#include "linear_store.h"

namespace openlora {

namespace {

constexpr int ROWS = 4;
constexpr int PREFETCH_BYTES = 2048;

/* The columns of one k side by side. */
int64_t column_order(int64_t c, int64_t k, int64_t) { return k * PANEL + c; }

__m256 floats(const int8_t* w) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(w))));
}

/* ROWS_ rows times HALVES halves of a panel, 2 vectors of 8 columns each. */
template <int ROWS_, int HALVES>
void block(const Linear& l, const int8_t* w, int64_t row, int64_t panel, int half) {
  constexpr int VECTORS = 2 * HALVES;
  __m256 sums[ROWS_][VECTORS];
  for (int r = 0; r < ROWS_; r++) {
    for (int c = 0; c < VECTORS; c++) {
      sums[r][c] = _mm256_setzero_ps();
    }
  }
  w += half * 16;
  const uint16_t* x = l.x + row * l.x_stride;
  const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xFFFF0000u));
  for (int64_t k = 0; k < l.padded_k; k += 2, w += 2 * PANEL) {
    _mm_prefetch(reinterpret_cast<const char*>(w) + PREFETCH_BYTES, _MM_HINT_T0);
    __m256 even[VECTORS], odd[VECTORS];
    for (int c = 0; c < VECTORS; c++) {
      even[c] = floats(w + 8 * c);
      odd[c] = floats(w + PANEL + 8 * c);
    }
    for (int r = 0; r < ROWS_; r++) {
      int32_t pair;
      __builtin_memcpy(&pair, x + r * l.x_stride + k, sizeof pair);
      __m256i both = _mm256_set1_epi32(pair);
      __m256 x0 = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
      __m256 x1 = _mm256_castsi256_ps(_mm256_and_si256(both, upper));
      for (int c = 0; c < VECTORS; c++) {
        sums[r][c] = _mm256_fmadd_ps(x0, even[c], sums[r][c]);
        sums[r][c] = _mm256_fmadd_ps(x1, odd[c], sums[r][c]);
      }
    }
  }
  for (int r = 0; r < ROWS_; r++) {
    for (int h = 0; h < HALVES; h++) {
      float values[16];
      _mm256_storeu_ps(values, sums[r][2 * h]);
      _mm256_storeu_ps(values + 8, sums[r][2 * h + 1]);
      store(l, row + r, panel * PANEL + (half + h) * 16, values);
    }
  }
}

bool linear(const Linear& l, int64_t panel_from, int64_t panel_to) {
  for (int64_t panel = panel_from; panel < panel_to; panel++) {
    const int8_t* w = l.bytes + panel * padded(l.padded_k, BYTES_DEPTH) * PANEL;
    for (int64_t row = 0; row < l.m; row += ROWS) {
      switch (l.m - row) {
        case 1: block<1, 2>(l, w, row, panel, 0); break;
        case 2: block<2, 2>(l, w, row, panel, 0); break;
        case 3:
          block<3, 1>(l, w, row, panel, 0);
          block<3, 1>(l, w, row, panel, 1);
          break;
        default:
          block<4, 1>(l, w, row, panel, 0);
          block<4, 1>(l, w, row, panel, 1);
      }
    }
  }
  return true;
}

}  // namespace

const Int8Kernel int8_avx2 = {column_order, linear, nullptr, 0};

}  // namespace openlora
