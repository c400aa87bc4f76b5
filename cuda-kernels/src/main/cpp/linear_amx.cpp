/* AMX tiles: two of 16 rows against two of 16 columns. The packed panel is already in the order that
 * the tile unit wants its second operand: a pair of k in every 32-bit lane. Every sum runs over k in one
 * order however rows and columns are blocked, so a row's result does not depend on the rows beside it. */
#include <immintrin.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "linear.h"
#include "linear_store.h"
#include "tiles.h"

namespace openlora {

namespace {

constexpr int TILE_FLOATS = 16 * 16;
constexpr int64_t BLOCK_ROWS = 2 * TILE_ROWS;
constexpr int64_t DEPTH_IN_L1 = 448;               /* of a panel, while all rows go past it */
constexpr int64_t BYTES_IN_L2 = 1024 * 1024;       /* of x, while all panels go past it */
constexpr int64_t ROWS_AT_ONCE = 512;
constexpr int PREFETCH_BYTES = 4096;

void store_tile(const Linear& l, int64_t row, int64_t rows, int64_t column, const float* values) {
  for (int64_t r = 0; r < rows; r++) {
    store(l, row + r, column, _mm512_load_ps(values + r * 16));
  }
}

void prefetch(const uint16_t* w) {
  for (int line = 0; line < 32; line++) {
    _mm_prefetch(reinterpret_cast<const char*>(w) + 64 * line, _MM_HINT_T0);
  }
}

/* Sums of two tiles of rows, the second one where there are two, times a panel. Tile numbers are part of the
 * instructions. */
template <bool TWO>
inline void multiply(const uint16_t* x, int64_t x_stride, const uint16_t* w, int64_t depth, int64_t ahead) {
  const uint16_t* below = x + TILE_ROWS * x_stride;
  for (int64_t k = 0; k < depth; k += DEPTH, w += DEPTH * PANEL) {
    prefetch(w + ahead);
    _tile_loadd(6, w, 128);
    _tile_loadd(7, w + PANEL, 128);
    _tile_loadd(4, x + k, x_stride * 2);
    if (TWO) {
      _tile_loadd(5, below + k, x_stride * 2);
    }
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (TWO) {
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
}

/* Up to 32 rows from `row` on: the time is that of reading the weights once. */
template <bool TWO>
void few_rows(const Linear& l, int64_t row, int64_t rows, int64_t panel) {
  alignas(64) float values[TILE_FLOATS];
  _tile_zero(0);
  _tile_zero(1);
  if (TWO) {
    _tile_zero(2);
    _tile_zero(3);
  }
  multiply<TWO>(l.x + row * l.x_stride, l.x_stride, l.packed + panel * l.padded_k * PANEL, l.padded_k,
                PREFETCH_BYTES / 2);
  each_extension(l, row, rows, panel, [](const uint16_t* x, int64_t depth, const uint16_t* w) {
    multiply<TWO>(x, depth, w, depth, DEPTH * PANEL);
  });
  int64_t upper = std::min<int64_t>(TILE_ROWS, rows);
  _tile_stored(0, values, 64);
  store_tile(l, row, upper, panel * PANEL, values);
  _tile_stored(1, values, 64);
  store_tile(l, row, upper, panel * PANEL + 16, values);
  if (TWO) {
    _tile_stored(2, values, 64);
    store_tile(l, row + TILE_ROWS, rows - TILE_ROWS, panel * PANEL, values);
    _tile_stored(3, values, 64);
    store_tile(l, row + TILE_ROWS, rows - TILE_ROWS, panel * PANEL + 16, values);
  }
}

/* Memory of one thread, kept. */
float* thread_memory(int64_t floats) {
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  thread_local std::unique_ptr<float, Free> memory;
  thread_local int64_t size = 0;
  if (floats > size) {
    memory.reset(static_cast<float*>(std::aligned_alloc(64, static_cast<size_t>(floats) * 4)));
    size = memory == nullptr ? 0 : floats;
  }
  return memory.get();
}

/* Columns of x that lie in rows of their own, after those in tiles. */
void extend(const uint16_t* x, int64_t depth, const uint16_t* w, bool columns_of_two) {
  const uint16_t* below = x + TILE_ROWS * depth;
  for (int64_t k = 0; k < depth; k += DEPTH, w += DEPTH * PANEL) {
    _tile_loadd(6, w, 128);
    _tile_loadd(4, x + k, depth * 2);
    _tile_loadd(5, below + k, depth * 2);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(2, 5, 6);
    if (columns_of_two) {
      _tile_loadd(7, w + PANEL, 128);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
}

/* A block of 32 rows over a part of k: the sums begin at zero or where the last part left them. */
struct Block {
  const uint16_t* x;
  int64_t x_block;
  const uint16_t* w;
  int64_t depth;
  float* sums;
  bool columns_of_two;
  const char* next;
  int64_t next_bytes; /* of it to fetch for each tile of k */

  void begin(bool first) const {
    if (first) {
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
    } else {
      _tile_loadd(0, sums, 64);
      _tile_loadd(1, sums + TILE_FLOATS, 64);
      _tile_loadd(2, sums + 2 * TILE_FLOATS, 64);
      _tile_loadd(3, sums + 3 * TILE_FLOATS, 64);
    }
  }

  void multiply() const {
    const uint16_t* upper = x;
    const uint16_t* lower = x + x_block;
    const uint16_t* weight = w;
    const char* fetched = next;
    for (int64_t k = 0; k < depth; k += DEPTH) {
      _tile_loadd(6, weight, 128);
      _tile_loadd(4, upper, 64);
      _tile_loadd(5, lower, 64);
      if (columns_of_two) {
        for (int64_t line = 0; line < next_bytes; line += 64) {
          _mm_prefetch(fetched + line, _MM_HINT_T1);
        }
        _tile_loadd(7, weight + PANEL, 128);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      } else {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
      }
      fetched += next_bytes;
      weight += DEPTH * PANEL;
      upper += TILE_ROWS * DEPTH;
      lower += TILE_ROWS * DEPTH;
    }
  }

  void end() const {
    _tile_stored(0, sums, 64);
    _tile_stored(1, sums + TILE_FLOATS, 64);
    _tile_stored(2, sums + 2 * TILE_FLOATS, 64);
    _tile_stored(3, sums + 3 * TILE_FLOATS, 64);
  }
};

void finish(const Linear& l, int64_t row, int64_t panel, const float* sums) {
  int64_t upper = std::min<int64_t>(TILE_ROWS, l.m - row);
  int64_t lower = std::min<int64_t>(TILE_ROWS, l.m - row - TILE_ROWS);
  store_tile(l, row, upper, panel * PANEL, sums);
  store_tile(l, row, upper, panel * PANEL + 16, sums + TILE_FLOATS);
  store_tile(l, row + TILE_ROWS, lower, panel * PANEL, sums + 2 * TILE_FLOATS);
  store_tile(l, row + TILE_ROWS, lower, panel * PANEL + 16, sums + 3 * TILE_FLOATS);
}

/* Many rows, from tiles: a slice of k for which x fits the second cache, and of it a part for which a
 * panel fits the first. Sums wait in memory between parts. False without memory. */
bool many_rows(const Linear& l, int64_t row_from, int64_t row_to, int64_t panel_from, int64_t panel_to) {
  int64_t blocks = (row_to - row_from + BLOCK_ROWS - 1) / BLOCK_ROWS;
  int64_t slice = std::max(DEPTH_IN_L1, BYTES_IN_L2 / (blocks * BLOCK_ROWS * 2) / DEPTH_IN_L1 * DEPTH_IN_L1);
  bool whole = slice >= l.padded_k;
  int64_t of_panel = blocks * 4 * TILE_FLOATS;
  float* memory = thread_memory(whole ? of_panel : of_panel * (panel_to - panel_from));
  if (memory == nullptr) {
    return false;
  }
  int64_t x_block = TILE_ROWS * l.padded_k;
  for (int64_t at = 0; at < l.padded_k; at += slice) {
    int64_t end = std::min(l.padded_k, at + slice);
    for (int64_t panel = panel_from; panel < panel_to; panel++) {
      float* sums = memory + (whole ? 0 : (panel - panel_from) * of_panel);
      const uint16_t* w = l.packed + panel * l.padded_k * PANEL;
      for (int64_t k = at; k < end; k += DEPTH_IN_L1) {
        int64_t depth = std::min(DEPTH_IN_L1, end - k);
        for (int64_t b = 0; b < blocks; b++) {
          int64_t row = row_from + b * BLOCK_ROWS;
          float* of_block = sums + b * 4 * TILE_FLOATS;
          /* While this part is at work, each block fetches its share of the next one. */
          int64_t share = depth * PANEL * 2 / blocks;
          const char* next = reinterpret_cast<const char*>(w + (k + depth) * PANEL) + b * share;
          bool last = k + depth == l.padded_k;
          Block part{l.tiles + row * l.padded_k + k * TILE_ROWS, x_block, w + k * PANEL, depth, of_block,
                     l.n - panel * PANEL > 16, next, share / (depth / DEPTH)};
          part.begin(k == 0);
          part.multiply();
          if (last) {
            each_extension(l, row, BLOCK_ROWS, panel, [&](const uint16_t* x, int64_t columns, const uint16_t* more) {
              extend(x, columns, more, part.columns_of_two);
            });
          }
          part.end();
          if (last) {
            finish(l, row, panel, of_block);
          }
        }
      }
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
        lower > 0 ? few_rows<true>(l, row, rows, panel) : few_rows<false>(l, row, rows, panel);
      }
    }
  } else {
    configure(TILE_ROWS, TILE_ROWS);
    for (int64_t row = 0; done && row < l.m; row += ROWS_AT_ONCE) {
      done = many_rows(l, row, std::min(l.m, row + ROWS_AT_ONCE), panel_from, panel_to);
    }
  }
  _tile_release();
  return done;
}

}  // namespace openlora
