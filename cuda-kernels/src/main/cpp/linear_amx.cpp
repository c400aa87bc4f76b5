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

/* Up to 32 rows: the time is that of reading the weights once. */
void few_rows(const Linear& l, int upper, int lower, int64_t panel) {
  alignas(64) float values[TILE_FLOATS];
  const uint16_t* w = l.packed + panel * l.padded_k * PANEL;
  const int64_t x_bytes = l.x_stride * 2;
  /* Tile numbers are part of the instructions. */
  _tile_zero(0);
  _tile_zero(1);
  if (lower == 0) {
    for (int64_t k = 0; k < l.padded_k; k += DEPTH, w += DEPTH * PANEL) {
      prefetch(w + PREFETCH_BYTES / 2);
      _tile_loadd(6, w, 128);
      _tile_loadd(7, w + PANEL, 128);
      _tile_loadd(4, l.x + k, x_bytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
    }
  } else {
    const uint16_t* below = l.x + TILE_ROWS * l.x_stride;
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < l.padded_k; k += DEPTH, w += DEPTH * PANEL) {
      prefetch(w + PREFETCH_BYTES / 2);
      _tile_loadd(6, w, 128);
      _tile_loadd(7, w + PANEL, 128);
      _tile_loadd(4, l.x + k, x_bytes);
      _tile_loadd(5, below + k, x_bytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(2, values, 64);
    store_tile(l, TILE_ROWS, lower, panel * PANEL, values);
    _tile_stored(3, values, 64);
    store_tile(l, TILE_ROWS, lower, panel * PANEL + 16, values);
  }
  _tile_stored(0, values, 64);
  store_tile(l, 0, upper, panel * PANEL, values);
  _tile_stored(1, values, 64);
  store_tile(l, 0, upper, panel * PANEL + 16, values);
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

/* A block of 32 rows over a part of k: the sums begin at zero or where the last part left them. */
void block(const uint16_t* x, int64_t x_block, const uint16_t* w, int64_t depth, float* sums, bool first,
           bool columns_of_two, const char* next, int64_t next_bytes) {
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
  const uint16_t* below = x + x_block;
  if (columns_of_two) {
    for (int64_t k = 0; k < depth; k += DEPTH, w += DEPTH * PANEL, x += TILE_ROWS * DEPTH, below += TILE_ROWS * DEPTH) {
      for (int64_t line = 0; line < next_bytes; line += 64) {
        _mm_prefetch(next + line, _MM_HINT_T1);
      }
      next += next_bytes;
      _tile_loadd(6, w, 128);
      _tile_loadd(7, w + PANEL, 128);
      _tile_loadd(4, x, 64);
      _tile_loadd(5, below, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  } else {
    for (int64_t k = 0; k < depth; k += DEPTH, w += DEPTH * PANEL, x += TILE_ROWS * DEPTH, below += TILE_ROWS * DEPTH) {
      _tile_loadd(6, w, 128);
      _tile_loadd(4, x, 64);
      _tile_loadd(5, below, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(2, 5, 6);
    }
  }
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + TILE_FLOATS, 64);
  _tile_stored(2, sums + 2 * TILE_FLOATS, 64);
  _tile_stored(3, sums + 3 * TILE_FLOATS, 64);
}

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
          block(l.tiles + row * l.padded_k + k * TILE_ROWS, x_block, w + k * PANEL, depth, of_block, k == 0,
                l.n - panel * PANEL > 16, next, share / (depth / DEPTH));
          if (k + depth == l.padded_k) {
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
      Linear some = l;
      some.m = std::min(BLOCK_ROWS, l.m - row);
      some.x += row * l.x_stride;
      some.out = static_cast<char*>(l.out) + row * l.out_stride * (l.out_bf16 ? 2 : 4);
      int upper = static_cast<int>(std::min<int64_t>(TILE_ROWS, some.m));
      int lower = static_cast<int>(some.m) - upper;
      configure(upper, lower);
      for (int64_t panel = panel_from; panel < panel_to; panel++) {
        few_rows(some, upper, lower, panel);
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
