/* Weights are widened into memory, as tiles are loaded from there: a few blocks of k that stay in the
 * first cache when they serve one block of rows, a whole panel when the bf16 kernel has more to do. */
#include <immintrin.h>

#include "int8_pairs.h"
#include "linear_int8.h"
#include "linear_store.h"
#include "tiles.h"

namespace openlora {

namespace {

constexpr int64_t BLOCK_ROWS = 2 * TILE_ROWS;
constexpr int64_t BLOCK = DEPTH * PANEL; /* elements of 32 k in a panel */
constexpr int64_t TILE = DEPTH * STRIP;
constexpr int64_t RING = 2;               /* blocks: one to load from, one to widen into */
static_assert(2 * RING * BLOCK * 2 <= WIDENED_BYTES);
constexpr int PREFETCH_BYTES = 1024;

void widen_block(const int8_t* w, uint16_t* left, uint16_t* right) {
  for (int64_t at = 0; at < BLOCK; at += 2 * PANEL) {
    _mm_prefetch(reinterpret_cast<const char*>(w) + at + PREFETCH_BYTES, _MM_HINT_T0);
    Pairs pairs = widen_line(w + at);
    _mm512_store_si512(left + at / 2, pairs.left);
    _mm512_store_si512(right + at / 2, pairs.right);
  }
}

void store_tiles(const Linear& l, int64_t row, int rows, int64_t panel, const float* left, const float* right) {
  for (int r = 0; r < rows; r++) {
    store(l, row + r, panel * PANEL, _mm512_load_ps(left + r * 16));
    store(l, row + r, panel * PANEL + 16, _mm512_load_ps(right + r * 16));
  }
}

/* g++ 12 does not know that tile loads read memory. */
inline void stored() { asm volatile("" : : : "memory"); }

/* Up to 32 rows times a panel. */
void two_by_two(const Linear& l, const int8_t* w, uint16_t* widened, int upper, int lower, int64_t panel) {
  const uint16_t* below = l.x + TILE_ROWS * l.x_stride;
  const int64_t x_bytes = l.x_stride * 2;
  const int64_t blocks = l.padded_k / DEPTH;
  const int64_t ring = l.m > BLOCK_ROWS ? blocks : RING;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  uint16_t* second = widened + ring * TILE;
  widen_block(w, widened, second);
  for (int64_t b = 0, slot = 0; b < blocks; b++) {
    const int64_t tile = slot * TILE;
    slot = slot + 1 == ring ? 0 : slot + 1;
    if (b + 1 < blocks) { /* one ahead: a tile does not wait for its own stores */
      widen_block(w + (b + 1) * BLOCK, widened + slot * TILE, second + slot * TILE);
    }
    stored();
    _tile_loadd(6, widened + tile, 64);
    _tile_loadd(7, second + tile, 64);
    _tile_loadd(4, l.x + b * DEPTH, x_bytes);
    _tile_loadd(5, below + b * DEPTH, x_bytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  alignas(64) float left[TILE_ROWS * 16], right[TILE_ROWS * 16];
  _tile_stored(0, left, 64);
  _tile_stored(1, right, 64);
  store_tiles(l, 0, upper, panel, left, right);
  _tile_stored(2, left, 64);
  _tile_stored(3, right, 64);
  store_tiles(l, TILE_ROWS, lower, panel, left, right);
}

/* Up to 16 rows times two panels, or one. Few rows wait for memory: two streams keep more of it on its
 * way. */
template <int PANELS>
void few_rows(const Linear& l, const int8_t* w, uint16_t* widened, int64_t panel) {
  const int64_t x_bytes = l.x_stride * 2;
  const int64_t blocks = l.padded_k / DEPTH;
  const int8_t* next = w + l.padded_k * PANEL;
  uint16_t* widened_next = widened + RING * BLOCK;
  _tile_zero(0);
  _tile_zero(1);
  widen_block(w, widened, widened + TILE);
  if (PANELS == 2) {
    _tile_zero(2);
    _tile_zero(3);
    widen_block(next, widened_next, widened_next + TILE);
  }
  for (int64_t b = 0; b < blocks; b++) {
    const int64_t from = b % RING * BLOCK;
    const int64_t to = (b + 1) % RING * BLOCK;
    if (b + 1 < blocks) {
      widen_block(w + (b + 1) * BLOCK, widened + to, widened + to + TILE);
      if (PANELS == 2) {
        widen_block(next + (b + 1) * BLOCK, widened_next + to, widened_next + to + TILE);
      }
    }
    stored();
    _tile_loadd(4, l.x + b * DEPTH, x_bytes);
    _tile_loadd(6, widened + from, 64);
    _tile_loadd(7, widened + from + TILE, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (PANELS == 2) {
      _tile_loadd(6, widened_next + from, 64);
      _tile_loadd(7, widened_next + from + TILE, 64);
      _tile_dpbf16ps(2, 4, 6);
      _tile_dpbf16ps(3, 4, 7);
    }
  }
  alignas(64) float left[TILE_ROWS * 16], right[TILE_ROWS * 16];
  int rows = static_cast<int>(l.m);
  _tile_stored(0, left, 64);
  _tile_stored(1, right, 64);
  store_tiles(l, 0, rows, panel, left, right);
  if (PANELS == 2) {
    _tile_stored(2, left, 64);
    _tile_stored(3, right, 64);
    store_tiles(l, 0, rows, panel + 1, left, right);
  }
}

void linear(const Linear& l, const int8_t* packed, uint16_t* widened, int64_t panel_from, int64_t panel_to) {
  const int64_t panel_bytes = l.padded_k * PANEL;
  int64_t panel = panel_from;
  if (l.m <= TILE_ROWS) {
    int rows = static_cast<int>(l.m);
    configure(rows, rows);
    for (; panel + 2 <= panel_to; panel += 2) {
      few_rows<2>(l, packed + panel * panel_bytes, widened, panel);
    }
    if (panel < panel_to) {
      few_rows<1>(l, packed + panel * panel_bytes, widened, panel);
    }
  } else {
    int lower = static_cast<int>(l.m < BLOCK_ROWS ? l.m : BLOCK_ROWS) - TILE_ROWS;
    for (; panel < panel_to; panel++) {
      configure(TILE_ROWS, lower); /* each time, as the bf16 kernel leaves tiles of its own */
      two_by_two(l, packed + panel * panel_bytes, widened, TILE_ROWS, lower, panel);
      if (l.m > BLOCK_ROWS) {
        linear_amx(rest_of(l, BLOCK_ROWS, panel, widened), 0, 1);
      }
    }
  }
  _tile_release();
}

}  // namespace

const Int8Kernel int8_amx = {lane_order, linear};

}  // namespace openlora
