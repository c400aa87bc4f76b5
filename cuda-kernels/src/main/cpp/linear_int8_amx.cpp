/* Few rows: tiles of digits of x, three rows for one of x, times tiles of bytes. More rows: the bf16 kernel on widened
 * weights. */
#define OL_VARIANT amx
#include <immintrin.h>

#include "int8_quads.h"
#include "linear_int8.h"
#include "pairs_amx.h"
#include "thread_memory.h"
#include "tiles.h"

namespace openlora {

namespace {

constexpr int64_t MOST_ROWS = 32;     /* for more, three digits take longer than weights from memory */
constexpr int64_t BLOCK_ROWS = 16;    /* of x: three tiles of digits */
constexpr int64_t BLOCK_TILES = 3;
constexpr int64_t TILE = BYTES_DEPTH * STRIP;
constexpr int64_t PREFETCH = 512;     /* bytes */
constexpr int64_t PANELS_AT_ONCE = 8; /* of many rows: with fewer, x comes from further away too often */

/* Fetches what comes half a tile later: at a strip's end, of the next pair's one, `over` bytes further. */
void prefetch(const int8_t* tile, int64_t over) {
  for (int64_t line = 0; line < TILE; line += 64) {
    int64_t at = line + PREFETCH < TILE ? line + PREFETCH : line + PREFETCH + over;
    _mm_prefetch(reinterpret_cast<const char*>(tile) + at, _MM_HINT_T0);
  }
}

/* Tiles 0 to 2: sums of the left strip; 3 to 5: of the right one; 6: digits; 7: weights. */
void shape_tiles(int64_t rows) {
  TileConfig c;
  for (int tile = 0; tile < 8; tile++) {
    c.row_bytes[tile] = 64;
    c.rows[tile] = static_cast<uint8_t>(tile == 7 ? TILE_ROWS : rows);
  }
  load(c);
}

/* Of up to 16 rows, three digits each. */
struct DigitSums {
  const int32_t* sums = nullptr; /* [2][3 * 16][16] */
  const float* units = nullptr;

  static __m512 of(const int32_t* digits, float unit) {
    return value_of_digits(_mm512_load_si512(digits), _mm512_load_si512(digits + STRIP),
                           _mm512_load_si512(digits + 2 * STRIP), unit);
  }
  __m512 left(int64_t row) const { return of(sums + 3 * row * STRIP, units[row]); }
  __m512 right(int64_t row) const { return of(sums + (3 * BLOCK_ROWS + 3 * row) * STRIP, units[row]); }
};

constexpr int64_t BLOCK_SUMS = 2 * 3 * BLOCK_ROWS * STRIP;

using FinishDigits = Finish<DigitSums>;

/* Up to 16 rows of x from `row` on, in TILES tiles, times a pair. Behind the last row there may be anything. */
template <int64_t TILES>
void block(const Linear& l, int64_t row, int64_t pair, int32_t* sums, FinishDigits& finish) {
  const int64_t depth = l.digits.depth;
  const int8_t* x = l.digits.rows + 3 * row * depth;
  const int8_t* second = x + TILE_ROWS * depth;
  const int8_t* third = second + TILE_ROWS * depth;
  auto [strip, left, right] = Pair<int8_t>::of(l, &Linear::bytes, depth, pair);
  const int64_t from_end = (l.up == nullptr ? 1 : 0) * depth * STRIP;
  const int64_t finished = (BLOCK_ROWS * BYTES_DEPTH + depth - 1) / depth;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (int64_t k = 0; k < depth; k += BYTES_DEPTH, left += TILE, right += TILE) {
    const int64_t over = k + BYTES_DEPTH == depth ? from_end : 0;
    _tile_loadd(6, x + k, depth);
    _tile_stream_loadd(7, left, 64);
    _tile_dpbssd(0, 6, 7);
    prefetch(left, over);
    if (TILES > 1) {
      _tile_loadd(6, second + k, depth);
      _tile_dpbssd(1, 6, 7);
    }
    if (TILES > 2) {
      _tile_loadd(6, third + k, depth);
      _tile_dpbssd(2, 6, 7);
    }
    finish.some(finished);
    _tile_stream_loadd(7, right, 64);
    prefetch(right, over);
    if (TILES > 2) {
      _tile_dpbssd(5, 6, 7);
      _tile_loadd(6, second + k, depth);
    }
    if (TILES > 1) {
      _tile_dpbssd(4, 6, 7);
      _tile_loadd(6, x + k, depth);
    }
    _tile_dpbssd(3, 6, 7);
  }
  constexpr int64_t OF_TILE = TILE_ROWS * STRIP;
  int32_t* of_right = sums + BLOCK_TILES * OF_TILE;
  _tile_stored(0, sums, 64);
  _tile_stored(3, of_right, 64);
  if (TILES > 1) {
    _tile_stored(1, sums + OF_TILE, 64);
    _tile_stored(4, of_right + OF_TILE, 64);
  }
  if (TILES > 2) {
    _tile_stored(2, sums + 2 * OF_TILE, 64);
    _tile_stored(5, of_right + 2 * OF_TILE, 64);
  }
  finish.begin(row, std::min(BLOCK_ROWS, l.m - row), strip, {sums, l.digits.units + row});
}

/* Weights come from memory once: all rows go past a pair. */
void multiply_digits(const Linear& l, int64_t panel_from, int64_t panel_to) {
  alignas(64) int32_t sums[2][BLOCK_SUMS];
  FinishDigits finish(l);
  int slot = 0;
  shape_tiles(std::min<int64_t>(TILE_ROWS, 3 * l.m));
  for (int64_t pair = pairs_to(l, panel_from); pair < pairs_to(l, panel_to); pair++) {
    for (int64_t row = 0; row < l.m; row += BLOCK_ROWS, slot = 1 - slot) {
      switch (padded(3 * std::min(BLOCK_ROWS, l.m - row), TILE_ROWS) / TILE_ROWS) {
        case 1: block<1>(l, row, pair, sums[slot], finish); break;
        case 2: block<2>(l, row, pair, sums[slot], finish); break;
        default: block<3>(l, row, pair, sums[slot], finish);
      }
    }
  }
  finish.rest();
  _tile_release();
}

struct Widened; /* memory for some panels in bf16 */

/* Some panels of l in bf16. */
Linear widen(const Linear& l, int64_t panel, int64_t count, uint16_t* widened) {
  constexpr int64_t AHEAD = 1024;
  const int64_t depth = padded(l.padded_k, BYTES_DEPTH);
  uint16_t* to = widened;
  for (int64_t strip = 2 * panel; strip < 2 * (panel + count); strip++) {
    const int8_t* w = l.bytes + strip * depth * STRIP;
    for (int64_t k = 0; k < l.padded_k; k += 4, w += 4 * STRIP, to += 4 * STRIP) {
      _mm_prefetch(reinterpret_cast<const char*>(w) + AHEAD, _MM_HINT_T0);
      Pairs pairs = widen_line(w);
      _mm512_store_si512(to, pairs.first);
      _mm512_store_si512(to + 2 * STRIP, pairs.second);
    }
  }
  return widened_part(l, 0, panel, count, widened);
}

bool multiply_widened(const Linear& l, int64_t panel, int64_t panel_to) {
  const int64_t most = PANELS_AT_ONCE * PANEL * l.padded_k;
  uint16_t* widened = thread_memory<Widened, uint16_t>(l.up == nullptr ? most : 2 * most);
  if (widened == nullptr) {
    return false;
  }
  for (; panel < panel_to; panel += PANELS_AT_ONCE) {
    int64_t count = std::min(PANELS_AT_ONCE, panel_to - panel);
    Linear part = widen(l, panel, count, widened);
    Linear up;
    if (l.up != nullptr) {
      up = widen(*l.up, panel, count, widened + most);
      part.up = &up;
    }
    asm volatile("" : : : "memory"); /* g++ 12 does not know that tile loads read memory */
    if (!linear_amx(part, 0, count)) {
      return false;
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

const Int8Kernel int8_amx = {quad_order, linear, cut_avx512, MOST_ROWS};

}  // namespace openlora
