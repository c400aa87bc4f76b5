/* Very few rows: VNNI, of a weight's byte that is made unsigned and a digit of x. More rows: the first ones widen the
 * weights on their way through the registers, and leave them behind in bf16 when there are more, which are then the
 * bf16 kernel's. */
#include <immintrin.h>

#include "int8_quads.h"
#include "linear_int8.h"
#include "linear_store.h"
#include "thread_memory.h"

namespace openlora {

namespace {

constexpr int64_t MOST_ROWS = 6; /* for more, three digits cost more than to widen */
constexpr int WIDENING_ROWS = 12;
constexpr int PREFETCH_BYTES = 2048;

/* ROWS rows from `row` on times STRIPS strips. Few rows wait for memory: several strips at once keep more of it on its
 * way. */
template <int ROWS, int STRIPS>
void block(const Linear& l, int64_t row, int64_t strip) {
  const int64_t depth = l.digits.depth;
  const int8_t* x = l.digits.rows + 3 * row * depth;
  const int8_t* w = l.bytes + strip * depth * STRIP;
  __m512i sums[3 * ROWS][STRIPS];
#pragma GCC unroll 32
  for (int i = 0; i < 3 * ROWS * STRIPS; i++) {
    sums[i / STRIPS][i % STRIPS] = _mm512_set1_epi32(l.digits.offsets[3 * row + i / STRIPS]);
  }
  const __m512i sign = _mm512_set1_epi8(-128);
  for (int64_t k = 0; k < depth; k += 4, w += 4 * STRIP) {
    __m512i weights[STRIPS];
#pragma GCC unroll 4
    for (int s = 0; s < STRIPS; s++) {
      _mm_prefetch(reinterpret_cast<const char*>(w) + s * depth * STRIP + PREFETCH_BYTES, _MM_HINT_T0);
      weights[s] = _mm512_xor_si512(_mm512_load_si512(w + s * depth * STRIP), sign);
    }
#pragma GCC unroll 32
    for (int i = 0; i < 3 * ROWS * STRIPS; i++) {
      int32_t four;
      __builtin_memcpy(&four, x + i / STRIPS * depth + k, sizeof four);
      __m512i& sum = sums[i / STRIPS][i % STRIPS];
      sum = _mm512_dpbusd_epi32(sum, weights[i % STRIPS], _mm512_set1_epi32(four));
    }
  }
#pragma GCC unroll 32
  for (int i = 0; i < ROWS * STRIPS; i++) {
    const int r = i / STRIPS, s = i % STRIPS;
    store(l, row + r, (strip + s) * STRIP,
          value_of_digits(sums[3 * r][s], sums[3 * r + 1][s], sums[3 * r + 2][s], l.digits.units[row + r]));
  }
}

template <int ROWS, int STRIPS>
void strips(const Linear& l, int64_t row, int64_t panel, int64_t panel_to) {
  int64_t strip = 2 * panel;
  for (; strip + STRIPS <= 2 * panel_to; strip += STRIPS) {
    block<ROWS, STRIPS>(l, row, strip);
  }
  for (; strip < 2 * panel_to; strip++) {
    block<ROWS, 1>(l, row, strip);
  }
}

void rows(const Linear& l, int64_t row, int64_t panel, int64_t panel_to) {
  switch (l.m - row) {
    case 1: strips<1, 4>(l, row, panel, panel_to); break;
    case 2: strips<2, 4>(l, row, panel, panel_to); break;
    case 3: strips<3, 2>(l, row, panel, panel_to); break;
    case 4: strips<4, 2>(l, row, panel, panel_to); break;
    case 5: strips<5, 1>(l, row, panel, panel_to); break;
    case 6: strips<6, 1>(l, row, panel, panel_to); break;
    case 7: strips<7, 1>(l, row, panel, panel_to); break;
    default: strips<8, 1>(l, row, panel, panel_to);
  }
}

void multiply_digits(const Linear& l, int64_t panel_from, int64_t panel_to) {
  constexpr int64_t AT_ONCE = 8; /* rows */
  if (l.m <= AT_ONCE) {
    rows(l, 0, panel_from, panel_to);
    return;
  }
  for (int64_t panel = panel_from; panel < panel_to; panel++) {
    for (int64_t row = 0; row < l.m; row += AT_ONCE) {
      rows(l, row, panel, panel + 1);
    }
  }
}

/* The first ROWS rows times a panel. KEEP: the panel stays in `widened`. */
template <int ROWS, bool KEEP>
void widening_rows(const Linear& l, int64_t panel, uint16_t* widened) {
  __m512 sums[2][ROWS];
  for (int r = 0; r < ROWS; r++) {
    sums[0][r] = sums[1][r] = _mm512_setzero_ps();
  }
  const int64_t apart = padded(l.padded_k, BYTES_DEPTH) * STRIP;
  const int8_t* w = l.bytes + 2 * panel * apart;
  auto multiply = [&](int64_t k, __m512i left, __m512i right) {
    if (KEEP) {
      _mm512_store_si512(widened + k * STRIP, left);
      _mm512_store_si512(widened + (l.padded_k + k) * STRIP, right);
    }
    for (int r = 0; r < ROWS; r++) {
      int32_t x;
      __builtin_memcpy(&x, l.x + r * l.x_stride + k, sizeof x);
      __m512bh both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(x));
      sums[0][r] = _mm512_dpbf16_ps(sums[0][r], both, reinterpret_cast<__m512bh>(left));
      sums[1][r] = _mm512_dpbf16_ps(sums[1][r], both, reinterpret_cast<__m512bh>(right));
    }
  };
  for (int64_t k = 0; k < l.padded_k; k += 4, w += 4 * STRIP) {
    _mm_prefetch(reinterpret_cast<const char*>(w) + PREFETCH_BYTES, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(w) + apart + PREFETCH_BYTES, _MM_HINT_T0);
    __m512i left = _mm512_load_si512(w);
    __m512i right = _mm512_load_si512(w + apart);
    multiply(k, pairs_of(left), pairs_of(right));
    multiply(k + 2, pairs_of(_mm512_srli_epi32(left, 16)), pairs_of(_mm512_srli_epi32(right, 16)));
  }
  for (int r = 0; r < ROWS; r++) {
    store(l, r, panel * PANEL, sums[0][r]);
    store(l, r, panel * PANEL + STRIP, sums[1][r]);
  }
}

struct Widened; /* memory for a panel in bf16 */

bool multiply_widened(const Linear& l, int64_t panel, int64_t panel_to) {
  uint16_t* widened = thread_memory<Widened, uint16_t>(l.padded_k * PANEL);
  if (widened == nullptr) {
    return false;
  }
  for (; panel < panel_to; panel++) {
    switch (l.m) {
      case 1: widening_rows<1, false>(l, panel, nullptr); break;
      case 2: widening_rows<2, false>(l, panel, nullptr); break;
      case 3: widening_rows<3, false>(l, panel, nullptr); break;
      case 4: widening_rows<4, false>(l, panel, nullptr); break;
      case 5: widening_rows<5, false>(l, panel, nullptr); break;
      case 6: widening_rows<6, false>(l, panel, nullptr); break;
      case 7: widening_rows<7, false>(l, panel, nullptr); break;
      case 8: widening_rows<8, false>(l, panel, nullptr); break;
      case 9: widening_rows<9, false>(l, panel, nullptr); break;
      case 10: widening_rows<10, false>(l, panel, nullptr); break;
      case 11: widening_rows<11, false>(l, panel, nullptr); break;
      case 12: widening_rows<12, false>(l, panel, nullptr); break;
      default: {
        widening_rows<WIDENING_ROWS, true>(l, panel, widened);
        linear_avx512(widened_part(l, WIDENING_ROWS, panel, 1, widened), 0, 1);
      }
    }
  }
  return true;
}

bool linear(const Linear& l, int64_t panel_from, int64_t panel_to) {
  if (l.digits.rows == nullptr) {
    return multiply_widened(l, panel_from, panel_to);
  }
  multiply_digits(l, panel_from, panel_to);
  return true;
}

}  // namespace

float cut_avx512(int8_t* digits, int32_t* offsets, const uint16_t* x, int64_t padded_k, int64_t depth) {
  constexpr int MOST_BITS = 21;    /* of a number's size; balanced digits reach a little less than 2^23 */
  constexpr int LEAST_EXPONENT = MOST_BITS - 126;
  __m512i largest = _mm512_setzero_si512();
  for (int64_t k = 0; k < padded_k; k += 32) {
    __m512i magnitudes = _mm512_and_si512(_mm512_loadu_si512(x + k), _mm512_set1_epi16(0x7FFF));
    largest = _mm512_max_epu16(largest, magnitudes);
  }
  __m512i even = _mm512_and_si512(largest, _mm512_set1_epi32(0xFFFF));
  __m512i odd = _mm512_srli_epi32(largest, 16);
  const int exponent = static_cast<int>(_mm512_reduce_max_epu32(_mm512_max_epu32(even, odd)) >> 7) - 127;
  if (exponent == 128) {
    std::fill_n(digits, 3 * depth, int8_t{0});
    std::fill_n(offsets, 3, 0);
    return __builtin_nanf("");
  }
  const int of_unit = std::max(exponent, LEAST_EXPONENT) - MOST_BITS;
  const __m512 shift = _mm512_set1_ps(static_cast<float>(-of_unit));
  const __m512i half = _mm512_set1_epi32(128);
  for (int64_t k = 0; k < padded_k; k += 16) {
    __m512 values = _mm512_scalef_ps(widened(x + k, 0xFFFF), shift);
    __m512i number = _mm512_cvtps_epi32(values);
    for (int digit = 0; digit < 3; digit++) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(digits + digit * depth + k), _mm512_cvtepi32_epi8(number));
      number = _mm512_srai_epi32(_mm512_add_epi32(number, half), 8);
    }
  }
  for (int digit = 0; digit < 3; digit++, digits += depth) {
    std::fill(digits + padded_k, digits + depth, int8_t{0});
    __m512i sums = _mm512_setzero_si512();
    for (int64_t k = 0; k < depth; k += 64) {
      sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), _mm512_loadu_si512(digits + k));
    }
    offsets[digit] = -128 * _mm512_reduce_add_epi32(sums);
  }
  return __builtin_ldexpf(1, of_unit);
}

const Int8Kernel int8_avx512 = {quad_order, linear, cut_avx512, MOST_ROWS};

}  // namespace openlora
