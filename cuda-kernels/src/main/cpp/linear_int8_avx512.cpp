/* The first rows widen int8 weights on their way through the registers, and leave them behind in bf16
 * when there are more rows, which are then the bf16 kernel's. */
#include <immintrin.h>

#include "int8_pairs.h"
#include "linear_int8.h"
#include "linear_store.h"
#include "thread_memory.h"

namespace openlora {

namespace {

constexpr int ROWS = 12;
constexpr int PREFETCH_BYTES = 2048;

/* The first ROWS_ rows times PANELS panels. KEEP: the panel stays in `widened`. */
template <int ROWS_, int PANELS, bool KEEP>
void block(const Linear& l, const int8_t* w, uint16_t* widened, int64_t panel) {
  __m512 left[ROWS_][PANELS], right[ROWS_][PANELS];
  for (int r = 0; r < ROWS_; r++) {
    for (int p = 0; p < PANELS; p++) {
      left[r][p] = _mm512_setzero_ps();
      right[r][p] = _mm512_setzero_ps();
    }
  }
  const int64_t panel_bytes = l.padded_k * PANEL;
  for (int64_t k = 0; k < l.padded_k; k += 2, w += 2 * PANEL) {
    Pairs pairs[PANELS];
    for (int p = 0; p < PANELS; p++) {
      _mm_prefetch(reinterpret_cast<const char*>(w) + p * panel_bytes + PREFETCH_BYTES, _MM_HINT_T0);
      pairs[p] = widen_line(w + p * panel_bytes);
    }
    if (KEEP) {
      _mm512_store_si512(widened + k * STRIP, pairs[0].left);
      _mm512_store_si512(widened + (l.padded_k + k) * STRIP, pairs[0].right);
    }
    for (int r = 0; r < ROWS_; r++) {
      int32_t pair;
      __builtin_memcpy(&pair, l.x + r * l.x_stride + k, sizeof pair);
      __m512bh both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
      for (int p = 0; p < PANELS; p++) {
        left[r][p] = _mm512_dpbf16_ps(left[r][p], both, reinterpret_cast<__m512bh>(pairs[p].left));
        right[r][p] = _mm512_dpbf16_ps(right[r][p], both, reinterpret_cast<__m512bh>(pairs[p].right));
      }
    }
  }
  for (int r = 0; r < ROWS_; r++) {
    for (int p = 0; p < PANELS; p++) {
      store(l, r, (panel + p) * PANEL, left[r][p]);
      store(l, r, (panel + p) * PANEL + 16, right[r][p]);
    }
  }
}

/* Few rows wait for memory: several panels at once keep more of it on its way. */
template <int ROWS_, int PANELS>
void few_rows(const Linear& l, int64_t panel, int64_t panel_to) {
  const int64_t panel_bytes = l.padded_k * PANEL;
  for (; panel + PANELS <= panel_to; panel += PANELS) {
    block<ROWS_, PANELS, false>(l, l.bytes + panel * panel_bytes, nullptr, panel);
  }
  for (; panel < panel_to; panel++) {
    block<ROWS_, 1, false>(l, l.bytes + panel * panel_bytes, nullptr, panel);
  }
}

struct Widened; /* a panel in bf16 */

bool linear(const Linear& l, int64_t panel_from, int64_t panel_to) {
  switch (l.m) {
    case 1: few_rows<1, 4>(l, panel_from, panel_to); break;
    case 2: few_rows<2, 4>(l, panel_from, panel_to); break;
    case 3: few_rows<3, 2>(l, panel_from, panel_to); break;
    case 4: few_rows<4, 2>(l, panel_from, panel_to); break;
    case 5: few_rows<5, 1>(l, panel_from, panel_to); break;
    case 6: few_rows<6, 1>(l, panel_from, panel_to); break;
    case 7: few_rows<7, 1>(l, panel_from, panel_to); break;
    case 8: few_rows<8, 1>(l, panel_from, panel_to); break;
    case 9: few_rows<9, 1>(l, panel_from, panel_to); break;
    case 10: few_rows<10, 1>(l, panel_from, panel_to); break;
    case 11: few_rows<11, 1>(l, panel_from, panel_to); break;
    case 12: few_rows<12, 1>(l, panel_from, panel_to); break;
    default: {
      uint16_t* widened = thread_memory<Widened, uint16_t>(l.padded_k * PANEL);
      if (widened == nullptr) {
        return false;
      }
      for (int64_t panel = panel_from; panel < panel_to; panel++) {
        block<ROWS, 1, true>(l, l.bytes + panel * l.padded_k * PANEL, widened, panel);
        linear_avx512(widened_part(l, ROWS, panel, 1, widened), 0, 1);
      }
    }
  }
  return true;
}

}  // namespace

const Int8Kernel int8_avx512 = {lane_order, linear};

}  // namespace openlora
