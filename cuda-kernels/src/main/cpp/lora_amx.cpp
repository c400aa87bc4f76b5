/* Adapters on a few rows each, expanded by AMX tiles: 16 rows of B, as PEFT stores them, are the first operand, and what
 * the rows shrank to, in two halves of bf16 (16 bits of mantissa), the columns of the second. Columns do not meet: a
 * row's bits do not depend on the rows beside it. */
#define OL_VARIANT amx
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "bf16.h"
#include "lora.h"
#include "tiles.h"
#include "vector.h"

namespace openlora {

namespace {

using amx::LANES; /* outputs */

constexpr int64_t ROWS = 16;
constexpr int64_t LEAST_ROWS = 3;
constexpr int64_t RANKS = 32;      /* of a tile */
constexpr int64_t MOST_RANKS = 256;
constexpr int64_t PREFETCH = 1024; /* elements */
constexpr int64_t HALF = RANKS * ROWS;

/* The least power of two that so many rows fit in. */
int64_t lanes_of(int64_t rows) {
  int64_t lanes = 1;
  while (lanes < rows) {
    lanes *= 2;
  }
  return lanes;
}

/* Whether there are rows enough to gain by tiles, and B's fill them. */
bool covers(const Lora& l, const LoraRun& run) {
  bool fills = run.rank > 0 && run.rank % 2 == 0 && (run.rank <= RANKS || run.rank % RANKS == 0);
  return !l.deterministic && fills && run.rank <= MOST_RANKS && run.to - run.from >= LEAST_ROWS;
}

/* Tile 0: sums, 16 outputs by rows; 4: rows of B; 6 and 7: the upper and the lower halves of what the rows shrank to. */
void shape_tiles(int64_t lanes, int64_t ranks) {
  TileConfig c;
  for (int tile : {0, 6, 7}) {
    c.row_bytes[tile] = static_cast<uint16_t>(lanes * 4);
    c.rows[tile] = static_cast<uint8_t>(tile == 0 ? TILE_ROWS : ranks / 2);
  }
  c.row_bytes[4] = static_cast<uint16_t>(ranks * 2);
  c.rows[4] = TILE_ROWS;
  load(c);
}

/* Sixteen of them: their upper or lower bits. */
struct Halves {
  alignas(32) uint32_t upper[8];
  alignas(32) uint32_t lower[8];

  explicit Halves(__m512 values) {
    __m256i bits = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values));
    __m512 of_bits = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
    _mm256_store_si256(reinterpret_cast<__m256i*>(upper), bits);
    bits = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_sub_ps(values, of_bits)));
    _mm256_store_si256(reinterpret_cast<__m256i*>(lower), bits);
  }
};

/* halves: [rank / 32][upper, lower][16][lanes][2] */
void halve(uint16_t* halves, const LoraRun& run, int64_t row, int64_t rows, int64_t lanes) {
  for (int64_t r = 0; r < run.rank; r += 16) {
    const int64_t ranks = std::min<int64_t>(16, run.rank - r);
    uint16_t* to = halves + r / RANKS * (2 * HALF) + r % RANKS / 2 * (2 * lanes);
    for (int64_t i = 0; i < lanes; i++, to += 2) {
      const float* shrunk = run.shrunk + (row + i) * run.rank + r;
      const Halves of_row(i < rows ? _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << ranks) - 1), shrunk)
                                   : _mm512_setzero_ps());
      for (int64_t pair = 0; pair < ranks / 2; pair++) {
        std::memcpy(to + pair * 2 * lanes, &of_row.upper[pair], 4);
        std::memcpy(to + HALF + pair * 2 * lanes, &of_row.lower[pair], 4);
      }
    }
  }
}

inline __m512 evens(__m512 a, __m512 b) {
  const __m512i of = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  return _mm512_permutex2var_ps(a, of, b);
}

inline __m512 odds(__m512 a, __m512 b) {
  const __m512i of = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  return _mm512_permutex2var_ps(a, of, b);
}

/* From [16][LANES], in LANES vectors, to a vector of 16 for each lane. */
template <int LANES_>
inline void transpose(__m512* v) {
  if constexpr (LANES_ > 1) {
    __m512 even[LANES_ / 2], odd[LANES_ / 2];
    for (int i = 0; i < LANES_ / 2; i++) {
      even[i] = evens(v[2 * i], v[2 * i + 1]);
      odd[i] = odds(v[2 * i], v[2 * i + 1]);
    }
    transpose<LANES_ / 2>(even);
    transpose<LANES_ / 2>(odd);
    for (int i = 0; i < LANES_ / 2; i++) {
      v[2 * i] = even[i];
      v[2 * i + 1] = odd[i];
    }
  }
}

/* Sixteen outputs become part of y. */
template <typename Y>
inline void add(const Lora& l, const LoraRun& run, Y* y, __m512 sums, int64_t out) {
  auto vector = [&](const void* values) {
    return l.vectors_bf16 ? amx::load(static_cast<const uint16_t*>(values) + out)
                          : amx::load(static_cast<const float*>(values) + out);
  };
  __m512 value = l.fresh ? sums : _mm512_add_ps(amx::load(y + out), sums);
  if (run.gain != nullptr) {
    value = _mm512_mul_ps(value, vector(run.gain));
  }
  if (run.shift != nullptr) {
    value = _mm512_add_ps(value, vector(run.shift));
  }
  amx::store(y + out, amx::Floats(value));
}

/* Up to LANES rows from `row` on. */
template <int LANES_, typename Y>
void expand_rows(const Lora& l, const LoraRun& run, int64_t row, int64_t rows, int64_t out_from, int64_t out_to) {
  alignas(64) uint16_t halves[MOST_RANKS / RANKS * 2 * HALF];
  alignas(64) float sums[ROWS * LANES_];
  const int64_t width = std::min(run.rank, RANKS);
  halve(halves, run, row, rows, LANES_);
  asm volatile("" : : : "memory"); /* g++ 12 does not know that tile loads read memory */
  shape_tiles(LANES_, width);
  _tile_loadd(6, halves, LANES_ * 4);
  _tile_loadd(7, halves + HALF, LANES_ * 4);
  Y* y = static_cast<Y*>(l.y) + (run.from + row) * l.y_stride;
  for (int64_t out = out_from; out < out_to; out += LANES) {
    const uint16_t* b = run.b + out * run.rank;
    const int64_t behind = (out - l.out) * run.rank + PREFETCH;
    const uint16_t* ahead = behind < 0 ? b + PREFETCH : run.next_b + behind;
    for (int64_t i = 0; i < LANES * run.rank; i += 32) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead + i), _MM_HINT_T0);
    }
    _tile_zero(0);
    for (int64_t r = 0; r < run.rank; r += width) {
      if (run.rank > width) {
        _tile_loadd(6, halves + r / RANKS * (2 * HALF), LANES_ * 4);
        _tile_loadd(7, halves + r / RANKS * (2 * HALF) + HALF, LANES_ * 4);
      }
      _tile_loadd(4, b + r, run.rank * 2);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(0, 4, 7);
    }
    _tile_stored(0, sums, LANES_ * 4);
    __m512 of_rows[LANES_];
    for (int i = 0; i < LANES_; i++) {
      of_rows[i] = _mm512_load_ps(sums + 16 * i);
    }
    transpose<LANES_>(of_rows);
    for (int64_t i = 0; i < rows; i++) {
      add(l, run, y + i * l.y_stride, of_rows[i], out);
    }
  }
  _tile_release();
}

template <typename Y>
void expand_run(const Lora& l, const LoraRun& run, int64_t out_from, int64_t out_to) {
  const int64_t rows = run.to - run.from;
  for (int64_t row = 0; row < rows; row += ROWS) {
    const int64_t some = std::min(ROWS, rows - row);
    switch (lanes_of(some)) {
      case 1: expand_rows<1, Y>(l, run, row, some, out_from, out_to); break;
      case 2: expand_rows<2, Y>(l, run, row, some, out_from, out_to); break;
      case 4: expand_rows<4, Y>(l, run, row, some, out_from, out_to); break;
      case 8: expand_rows<8, Y>(l, run, row, some, out_from, out_to); break;
      default: expand_rows<16, Y>(l, run, row, some, out_from, out_to);
    }
  }
}

void expand(const Lora& l, const LoraRun& run, int64_t out_from, int64_t out_to) {
  int64_t whole = covers(l, run) ? out_from + (out_to - out_from) / LANES * LANES : out_from;
  if (out_from < whole) {
    l.y_bf16 ? expand_run<uint16_t>(l, run, out_from, whole) : expand_run<float>(l, run, out_from, whole);
  }
  if (whole < out_to) {
    lora_avx512.expand(l, run, whole, out_to);
  }
}

void shrink(const Lora& l, const LoraRun& run, int64_t rank_from, int64_t rank_to) {
  lora_avx512.shrink(l, run, rank_from, rank_to);
}

}  // namespace

const LoraKernels lora_amx = {shrink, expand};

}  // namespace openlora
