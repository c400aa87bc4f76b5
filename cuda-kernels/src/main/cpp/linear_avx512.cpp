/* A tile of 12 rows x 32 columns in registers; pairs of activations are broadcast against pairs of
 * packed weights. Every sum runs over k in one order whatever m is, so a row's result does not depend on
 * the rows beside it. */
#include <immintrin.h>

#include "linear.h"
#include "linear_store.h"

namespace openlora {

namespace {

constexpr int ROWS = 12;
constexpr int PREFETCH_BYTES = 1024;

template <int ROWS_>
struct Sums {
  __m512 left[ROWS_], right[ROWS_];
};

template <int ROWS_>
__attribute__((always_inline)) inline void multiply(Sums<ROWS_>& sums, const uint16_t* x, int64_t x_stride,
                                                    const uint16_t* w, int64_t depth) {
  const uint16_t* right = w + depth * STRIP;
  for (int64_t k = 0; k < depth; k += 2, w += 2 * STRIP, right += 2 * STRIP) {
    _mm_prefetch(reinterpret_cast<const char*>(w) + PREFETCH_BYTES, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(right) + PREFETCH_BYTES, _MM_HINT_T0);
    __m512bh w0 = reinterpret_cast<__m512bh>(_mm512_load_si512(w));
    __m512bh w1 = reinterpret_cast<__m512bh>(_mm512_load_si512(right));
    for (int r = 0; r < ROWS_; r++) {
      int32_t pair;
      __builtin_memcpy(&pair, x + r * x_stride + k, sizeof pair);
      __m512bh both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
      sums.left[r] = _mm512_dpbf16_ps(sums.left[r], both, w0);
      sums.right[r] = _mm512_dpbf16_ps(sums.right[r], both, w1);
    }
  }
}

template <int ROWS_>
void block(const Linear& l, int64_t row, int64_t panel) {
  Sums<ROWS_> sums;
  for (int r = 0; r < ROWS_; r++) {
    sums.left[r] = _mm512_setzero_ps();
    sums.right[r] = _mm512_setzero_ps();
  }
  multiply(sums, l.x + row * l.x_stride, l.x_stride, l.packed + panel * l.padded_k * PANEL, l.padded_k);
  each_extension(l, row, ROWS_, 2 * panel, [&](const uint16_t* x, int64_t depth, const uint16_t* w) {
    multiply(sums, x, depth, w, depth);
  });
  for (int r = 0; r < ROWS_; r++) {
    store(l, row + r, panel * PANEL, sums.left[r]);
    store(l, row + r, panel * PANEL + 16, sums.right[r]);
  }
}

void rows(const Linear& l, int64_t row, int64_t panel) {
  switch (l.m - row) {
    case 1: block<1>(l, row, panel); break;
    case 2: block<2>(l, row, panel); break;
    case 3: block<3>(l, row, panel); break;
    case 4: block<4>(l, row, panel); break;
    case 5: block<5>(l, row, panel); break;
    case 6: block<6>(l, row, panel); break;
    case 7: block<7>(l, row, panel); break;
    case 8: block<8>(l, row, panel); break;
    case 9: block<9>(l, row, panel); break;
    case 10: block<10>(l, row, panel); break;
    case 11: block<11>(l, row, panel); break;
    default: block<12>(l, row, panel);
  }
}

}  // namespace

bool linear_avx512(const Linear& l, int64_t panel_from, int64_t panel_to) {
  int64_t group = panels_in_cache(l);
  for (int64_t first = panel_from; first < panel_to; first += group) {
    int64_t last = first + group < panel_to ? first + group : panel_to;
    for (int64_t row = 0; row < l.m; row += ROWS) {
      for (int64_t panel = first; panel < last; panel++) {
        rows(l, row, panel);
      }
    }
  }
  return true;
}

}  // namespace openlora
