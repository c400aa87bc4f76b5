/* Weights are widened into memory, as tiles are loaded from there: for up to 32 rows a few blocks of k that stay in the
 * first cache, for more some panels, which are then the bf16 kernel's. */
#include <immintrin.h>

#include "int8_pairs.h"
#include "linear_int8.h"
#include "linear_store.h"
#include "thread_memory.h"
#include "tiles.h"

namespace openlora {

namespace {

constexpr int64_t BLOCK_ROWS = 2 * TILE_ROWS;
constexpr int64_t BLOCK = DEPTH * PANEL; /* elements of 32 k in a panel */
constexpr int64_t TILE = DEPTH * STRIP;
constexpr int64_t RING = 2;              /* blocks: one to load from, one to widen into */
constexpr int64_t PANELS_AT_ONCE = 8;    /* of many rows: with fewer, x comes from further away too often */
constexpr int PREFETCH_BYTES = 1024;

struct Widened; /* memory for bf16 */

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

/* 17 to 32 rows times a panel. */
void two_by_two(const Linear& l, uint16_t* widened, int64_t panel) {
  const int8_t* w = l.bytes + panel * l.padded_k * PANEL;
  const uint16_t* below = l.x + TILE_ROWS * l.x_stride;
  const int64_t x_bytes = l.x_stride * 2;
  const int64_t blocks = l.padded_k / DEPTH;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  widen_block(w, widened, widened + TILE);
  for (int64_t b = 0; b < blocks; b++) {
    const uint16_t* from = widened + b % RING * BLOCK;
    uint16_t* to = widened + (b + 1) % RING * BLOCK;
    if (b + 1 < blocks) { /* one ahead: a tile does not wait for its own stores */
      widen_block(w + (b + 1) * BLOCK, to, to + TILE);
    }
    stored();
    _tile_loadd(6, from, 64);
    _tile_loadd(7, from + TILE, 64);
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
  store_tiles(l, 0, TILE_ROWS, panel, left, right);
  _tile_stored(2, left, 64);
  _tile_stored(3, right, 64);
  store_tiles(l, TILE_ROWS, static_cast<int>(l.m) - TILE_ROWS, panel, left, right);
}

/* Up to 16 rows times two panels, or one. Few rows wait for memory: two streams keep more of it on its
 * way. */
template <int PANELS>
void few_rows(const Linear& l, uint16_t* widened, int64_t panel) {
  const int64_t x_bytes = l.x_stride * 2;
  const int64_t blocks = l.padded_k / DEPTH;
  const int8_t* w = l.bytes + panel * l.padded_k * PANEL;
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

void few_rows(const Linear& l, uint16_t* widened, int64_t panel, int64_t panel_to) {
  int upper = static_cast<int>(std::min<int64_t>(TILE_ROWS, l.m));
  if (l.m > TILE_ROWS) {
    configure(upper, static_cast<int>(l.m) - upper);
    for (; panel < panel_to; panel++) {
      two_by_two(l, widened, panel);
    }
  } else {
    configure(upper, upper);
    for (; panel + 2 <= panel_to; panel += 2) {
      few_rows<2>(l, widened, panel);
    }
    if (panel < panel_to) {
      few_rows<1>(l, widened, panel);
    }
  }
  _tile_release();
}

/* Some panels of l in bf16. */
Linear widen(const Linear& l, int64_t panel, int64_t count, uint16_t* widened) {
  const int64_t strip = l.padded_k * STRIP;
  const int64_t blocks = l.padded_k / DEPTH;
  const int8_t* w = l.bytes + panel * l.padded_k * PANEL;
  for (int64_t p = 0; p < count; p++) {
    uint16_t* left = widened + 2 * p * strip;
    for (int64_t b = 0; b < blocks; b++, w += BLOCK) {
      widen_block(w, left + b * TILE, left + strip + b * TILE);
    }
  }
  stored();
  return widened_part(l, 0, panel, count, widened);
}

bool many_rows(const Linear& l, int64_t panel, int64_t panel_to) {
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
    if (!linear_amx(part, 0, count)) {
      return false;
    }
  }
  return true;
}

bool linear(const Linear& l, int64_t panel_from, int64_t panel_to) {
  if (l.tiles != nullptr) {
    return many_rows(l, panel_from, panel_to);
  }
  alignas(64) uint16_t widened[2 * RING * BLOCK];
  few_rows(l, widened, panel_from, panel_to);
  return true;
}

}  // namespace

const Int8Kernel int8_amx = {lane_order, linear};

}  // namespace openlora
