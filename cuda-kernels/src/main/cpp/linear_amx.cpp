/* AMX tiles: two of 16 rows against strips of 16 columns, which are packed in the order that the tile unit wants
 * its second operand: a pair of k in every 32-bit lane. Every sum runs over k in one order however rows and columns
 * are blocked, so a row's result does not depend on the rows beside it. */
#include <immintrin.h>

#include <algorithm>

#include "linear.h"
#include "linear_store.h"
#include "thread_memory.h"
#include "tiles.h"

namespace openlora {

namespace {

constexpr int TILE_FLOATS = 16 * 16;
constexpr int64_t BLOCK_ROWS = 2 * TILE_ROWS;
constexpr int64_t TILE = DEPTH * STRIP;
constexpr int STRIPS_AT_ONCE = 3;      /* of many rows: two tiles of rows are loaded for three of columns */
constexpr int64_t PREFETCH = 256;      /* elements: nearer or further is slower by a tenth */

void store_tile(const Linear& l, int64_t row, int64_t rows, int64_t column, const float* values) {
  for (int64_t r = 0; r < rows; r++) {
    store(l, row + r, column, _mm512_load_ps(values + r * 16));
  }
}

void prefetch(const uint16_t* tile) {
  for (int line = 0; line < 16; line++) {
    _mm_prefetch(reinterpret_cast<const char*>(tile) + 64 * line, _MM_HINT_T0);
  }
}

/* Sums of two tiles of rows times two strips, of either the second one where there are two: tiles 0 and 1, and below
 * them 2 and 3. Tile numbers are part of the instructions. */
template <bool BELOW, bool RIGHT>
inline void multiply(const uint16_t* x, int64_t x_stride, const uint16_t* left, int64_t depth, int64_t ahead) {
  const uint16_t* below = x + TILE_ROWS * x_stride;
  const uint16_t* right = left + depth * STRIP;
  for (int64_t k = 0; k < depth; k += DEPTH, left += TILE, right += TILE) {
    prefetch(left + ahead);
    _tile_loadd(6, left, 64);
    if (RIGHT) {
      prefetch(right + ahead);
      _tile_loadd(7, right, 64);
    }
    _tile_loadd(4, x + k, x_stride * 2);
    if (BELOW) {
      _tile_loadd(5, below + k, x_stride * 2);
    }
    _tile_dpbf16ps(0, 4, 6);
    if (RIGHT) {
      _tile_dpbf16ps(1, 4, 7);
    }
    if (BELOW) {
      _tile_dpbf16ps(2, 5, 6);
    }
    if (BELOW && RIGHT) {
      _tile_dpbf16ps(3, 5, 7);
    }
  }
}

/* Up to 32 rows from `row` on: the time is that of reading the weights once. */
template <bool BELOW, bool RIGHT>
void few_rows(const Linear& l, int64_t row, int64_t rows, int64_t panel) {
  alignas(64) float values[TILE_FLOATS];
  _tile_zero(0);
  _tile_zero(1);
  if (BELOW) {
    _tile_zero(2);
    _tile_zero(3);
  }
  multiply<BELOW, RIGHT>(l.x + row * l.x_stride, l.x_stride, l.packed + panel * l.padded_k * PANEL, l.padded_k,
                         PREFETCH);
  each_extension(l, row, rows, 2 * panel, [](const uint16_t* x, int64_t depth, const uint16_t* w) {
    multiply<BELOW, RIGHT>(x, depth, w, depth, depth * PANEL);
  });
  int64_t upper = std::min<int64_t>(TILE_ROWS, rows);
  _tile_stored(0, values, 64);
  store_tile(l, row, upper, panel * PANEL, values);
  if (RIGHT) {
    _tile_stored(1, values, 64);
    store_tile(l, row, upper, panel * PANEL + STRIP, values);
  }
  if (BELOW) {
    _tile_stored(2, values, 64);
    store_tile(l, row + TILE_ROWS, rows - TILE_ROWS, panel * PANEL, values);
  }
  if (BELOW && RIGHT) {
    _tile_stored(3, values, 64);
    store_tile(l, row + TILE_ROWS, rows - TILE_ROWS, panel * PANEL + STRIP, values);
  }
}

void few_rows(const Linear& l, int64_t row, int64_t rows, int64_t panel) {
  if (l.n - panel * PANEL > STRIP) {
    rows > TILE_ROWS ? few_rows<true, true>(l, row, rows, panel) : few_rows<false, true>(l, row, rows, panel);
  } else {
    rows > TILE_ROWS ? few_rows<true, false>(l, row, rows, panel) : few_rows<false, false>(l, row, rows, panel);
  }
}

struct Sums; /* of many rows, between parts of k */

/* The sums of 32 rows and up to three strips: tiles 0, 1, 2 above 3, 4, 5. x goes through tile 6, w through 7. */
template <int STRIPS>
struct Block {
  static void begin(const float* sums, bool first) {
    if (first) {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
      _tile_zero(4);
      _tile_zero(5);
    } else {
      _tile_loadd(0, sums, 64);
      _tile_loadd(3, sums + 3 * TILE_FLOATS, 64);
      if (STRIPS > 1) {
        _tile_loadd(1, sums + TILE_FLOATS, 64);
        _tile_loadd(4, sums + 4 * TILE_FLOATS, 64);
      }
      if (STRIPS > 2) {
        _tile_loadd(2, sums + 2 * TILE_FLOATS, 64);
        _tile_loadd(5, sums + 5 * TILE_FLOATS, 64);
      }
    }
  }

  /* Strips are `strip` elements apart, rows of x x_bytes; `fetch` runs while the first tiles are multiplied. */
  template <typename Fetch>
  static inline void multiply(const uint16_t* upper, const uint16_t* lower, int64_t x_bytes, const uint16_t* w,
                              int64_t strip, Fetch fetch) {
    _tile_loadd(6, upper, x_bytes);
    _tile_loadd(7, w, 64);
    _tile_dpbf16ps(0, 6, 7);
    fetch();
    if (STRIPS > 1) {
      _tile_loadd(7, w + strip, 64);
      _tile_dpbf16ps(1, 6, 7);
    }
    if (STRIPS > 2) {
      _tile_loadd(7, w + 2 * strip, 64);
      _tile_dpbf16ps(2, 6, 7);
    }
    _tile_loadd(6, lower, x_bytes);
    if (STRIPS > 2) {
      _tile_dpbf16ps(5, 6, 7);
      _tile_loadd(7, w + strip, 64);
    }
    if (STRIPS > 1) {
      _tile_dpbf16ps(4, 6, 7);
      _tile_loadd(7, w, 64);
    }
    _tile_dpbf16ps(3, 6, 7);
  }

  static void end(float* sums) {
    _tile_stored(0, sums, 64);
    _tile_stored(3, sums + 3 * TILE_FLOATS, 64);
    if (STRIPS > 1) {
      _tile_stored(1, sums + TILE_FLOATS, 64);
      _tile_stored(4, sums + 4 * TILE_FLOATS, 64);
    }
    if (STRIPS > 2) {
      _tile_stored(2, sums + 2 * TILE_FLOATS, 64);
      _tile_stored(5, sums + 5 * TILE_FLOATS, 64);
    }
  }

  static void finish(const Linear& l, int64_t row, int64_t strip, const float* sums) {
    int64_t upper = std::min<int64_t>(TILE_ROWS, l.m - row);
    int64_t lower = std::min<int64_t>(TILE_ROWS, l.m - row - TILE_ROWS);
    for (int64_t s = 0; s < STRIPS; s++) {
      store_tile(l, row, upper, (strip + s) * STRIP, sums + s * TILE_FLOATS);
      store_tile(l, row + TILE_ROWS, lower, (strip + s) * STRIP, sums + (3 + s) * TILE_FLOATS);
    }
  }
};

/* `rows` rows from `row` on, from tiles, times the strips from `strip` on, a part of k at a time, which stays in the
 * first cache while all rows go past it. Sums wait in memory between parts; while one part is at work, each block
 * fetches its share of the next one. */
template <int STRIPS>
void many_rows(const Linear& l, int64_t row, int64_t rows, int64_t strip, float* sums) {
  constexpr int64_t BLOCK_FLOATS = 2 * STRIPS_AT_ONCE * TILE_FLOATS;
  constexpr int64_t X = 2 * TILE_ROWS * DEPTH;
  const int64_t apart = l.padded_k * STRIP;
  const uint16_t* strips = l.packed + strip * apart;
  const int64_t blocks = padded(rows, BLOCK_ROWS) / BLOCK_ROWS;
  const uint16_t* x = l.tiles + row * l.padded_k;
  for (int64_t k = 0; k < l.padded_k; k += TILED_DEPTH) {
    const int64_t depth = std::min(TILED_DEPTH, l.padded_k - k);
    const bool last = k + depth == l.padded_k;
    const uint16_t* next = strips + (last ? STRIPS * apart : (k + depth) * STRIP);
    const int64_t steps = blocks * (depth / DEPTH);
    const int64_t share = (depth / 2 + steps - 1) / steps; /* lines */
    for (int64_t block = 0; block < blocks; block++) {
      float* of_block = sums + block * BLOCK_FLOATS;
      const uint16_t* w = strips + k * STRIP;
      Block<STRIPS>::begin(of_block, k == 0);
      for (int64_t i = 0; i < depth; i += DEPTH, x += X, w += TILE) {
        Block<STRIPS>::multiply(x, x + X / 2, 64, w, apart, [&] {
          prefetch(x + X);
          prefetch(x + X + X / 2);
          for (int64_t line = 0; line < share; line++, next += 32) {
            for (int s = 0; s < STRIPS; s++) {
              _mm_prefetch(reinterpret_cast<const char*>(next + s * apart), _MM_HINT_T1);
            }
          }
        });
      }
      int64_t at = row + block * BLOCK_ROWS;
      if (last) {
        each_extension(l, at, BLOCK_ROWS, strip, [](const uint16_t* x, int64_t columns, const uint16_t* w) {
          for (int64_t i = 0; i < columns; i += DEPTH, x += DEPTH, w += TILE) {
            Block<STRIPS>::multiply(x, x + TILE_ROWS * columns, columns * 2, w, columns * STRIP, [] {});
          }
        });
      }
      Block<STRIPS>::end(of_block);
      if (last) {
        Block<STRIPS>::finish(l, at, strip, of_block);
      }
    }
  }
}

/* False without memory. */
bool many_rows(const Linear& l, int64_t strip, int64_t strip_to) {
  const int64_t at_once = tiled_rows(l.padded_k);
  float* sums = thread_memory<Sums, float>(std::min(at_once, padded(l.m, BLOCK_ROWS)) / TILE_ROWS * STRIPS_AT_ONCE *
                                           TILE_FLOATS);
  if (sums == nullptr) {
    return false;
  }
  configure(TILE_ROWS, TILE_ROWS);
  for (int64_t row = 0; row < l.m; row += at_once) {
    int64_t rows = std::min(at_once, l.m - row);
    int64_t at = strip;
    for (; at + STRIPS_AT_ONCE <= strip_to; at += STRIPS_AT_ONCE) {
      many_rows<STRIPS_AT_ONCE>(l, row, rows, at, sums);
    }
    if (at + 2 == strip_to) {
      many_rows<2>(l, row, rows, at, sums);
    } else if (at < strip_to) {
      many_rows<1>(l, row, rows, at, sums);
    }
  }
  return true;
}

}  // namespace

bool linear_amx(const Linear& l, int64_t panel_from, int64_t panel_to) {
  bool done = true;
  if (l.tiles == nullptr) {
    for (int64_t row = 0; row < l.m; row += BLOCK_ROWS) {
      int64_t rows = std::min(BLOCK_ROWS, l.m - row);
      int upper = static_cast<int>(std::min<int64_t>(TILE_ROWS, rows));
      int lower = static_cast<int>(rows) - upper;
      configure(upper, lower);
      for (int64_t panel = panel_from; panel < panel_to; panel++) {
        few_rows(l, row, rows, panel);
      }
    }
  } else {
    done = many_rows(l, 2 * panel_from, std::min(2 * panel_to, padded(l.n, STRIP) / STRIP));
  }
  _tile_release();
  return done;
}

}  // namespace openlora
