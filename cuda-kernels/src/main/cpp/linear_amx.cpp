/* AMX tiles: two of 16 rows against strips of 16 columns, which are packed in the order that the tile unit wants
 * its second operand: a pair of k in every 32-bit lane. Every sum runs over k in one order however rows and columns
 * are blocked, so a row's result does not depend on the rows beside it. */
#define OL_VARIANT amx
#include <immintrin.h>

#include <algorithm>

#include "linear.h"
#include "pairs_amx.h"
#include "thread_memory.h"
#include "tiles.h"

namespace openlora {

namespace {

constexpr int TILE_FLOATS = 16 * 16;
constexpr int64_t BLOCK_ROWS = 2 * TILE_ROWS;
constexpr int64_t TILE = DEPTH * STRIP;
constexpr int64_t PREFETCH = 256;      /* elements: nearer or further is slower by a tenth */
constexpr int64_t BLOCK_FLOATS = 4 * TILE_FLOATS;

void prefetch(const uint16_t* tile) {
  for (int line = 0; line < 16; line++) {
    _mm_prefetch(reinterpret_cast<const char*>(tile) + 64 * line, _MM_HINT_T0);
  }
}

/* What is read once is streamed, so that the other stays in the first cache. */
enum class Streamed { X, WEIGHTS };

/* Tile numbers are part of the instructions. */
#define LOAD_TILE(streamed, tile, from, bytes) \
  if (streamed) {                              \
    _tile_stream_loadd(tile, from, bytes);     \
  } else {                                     \
    _tile_loadd(tile, from, bytes);            \
  }

/* Adds one step of k, 32 columns of x, to the sums of two tiles of rows times two strips, or of some of them: tiles 0
 * and 1, and below them 2 and 3. `beside` runs while they multiply. */
template <Streamed STREAMED, bool BELOW, bool LEFT, bool RIGHT, typename Beside>
inline void multiply(const uint16_t* x, const uint16_t* below, int64_t x_bytes, const uint16_t* left,
                     const uint16_t* right, Beside beside) {
  LOAD_TILE(STREAMED == Streamed::X, 4, x, x_bytes);
  if (LEFT) {
    LOAD_TILE(STREAMED == Streamed::WEIGHTS, 6, left, 64);
    _tile_dpbf16ps(0, 4, 6);
  }
  beside();
  if (RIGHT) {
    LOAD_TILE(STREAMED == Streamed::WEIGHTS, 7, right, 64);
    _tile_dpbf16ps(1, 4, 7);
  }
  if (BELOW) {
    LOAD_TILE(STREAMED == Streamed::X, 5, below, x_bytes);
    if (LEFT) {
      _tile_dpbf16ps(2, 5, 6);
    }
    if (RIGHT) {
      _tile_dpbf16ps(3, 5, 7);
    }
  }
}

void zero_sums() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

void load_sums(const float* sums) {
  _tile_stream_loadd(0, sums, 64);
  _tile_stream_loadd(1, sums + TILE_FLOATS, 64);
  _tile_stream_loadd(2, sums + 2 * TILE_FLOATS, 64);
  _tile_stream_loadd(3, sums + 3 * TILE_FLOATS, 64);
}

template <bool BELOW>
void store_sums(float* sums) {
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + TILE_FLOATS, 64);
  if (BELOW) {
    _tile_stored(2, sums + 2 * TILE_FLOATS, 64);
    _tile_stored(3, sums + 3 * TILE_FLOATS, 64);
  }
}

/* Adds what extends up to 32 rows to the sums of one strip, or of two neighbours. */
template <bool BELOW, bool LEFT, bool RIGHT>
void extend_sums(const Linear& l, int64_t row, int64_t strip) {
  each_extension(l, row, BELOW ? BLOCK_ROWS : TILE_ROWS, strip, [](const uint16_t* x, int64_t depth, const uint16_t* w) {
    const uint16_t* right = LEFT ? w + depth * STRIP : w;
    for (int64_t k = 0; k < depth; k += DEPTH, w += TILE, right += TILE) {
      multiply<Streamed::WEIGHTS, BELOW, LEFT, RIGHT>(x + k, x + k + TILE_ROWS * depth, depth * 2, w, right, [] {});
    }
  });
}

Pair<uint16_t> pair_of(const Linear& l, int64_t i) { return Pair<uint16_t>::of(l, &Linear::packed, l.padded_k, i); }

/* Adds what extends a pair. */
template <bool BELOW, bool RIGHT>
void extend_pair(const Linear& l, int64_t row, int64_t strip) {
  if (l.up == nullptr) {
    extend_sums<BELOW, true, RIGHT>(l, row, strip);
  } else {
    extend_sums<BELOW, true, false>(l, row, strip);
    extend_sums<BELOW, false, true>(*l.up, row, strip);
  }
}

/* [rows / 32][BLOCK_FLOATS] */
struct BlockSums {
  const float* sums = nullptr;

  const float* of(int64_t row) const { return sums + row / TILE_ROWS * (2 * TILE_FLOATS) + row % TILE_ROWS * 16; }
  __m512 left(int64_t row) const { return _mm512_load_ps(of(row)); }
  __m512 right(int64_t row) const { return _mm512_load_ps(of(row) + TILE_FLOATS); }
};

using FinishBlocks = Finish<BlockSums>;

/* How many rows of a pair to finish in each step of the next one's k. */
int64_t rows_a_step(int64_t columns) { return (BLOCK_ROWS * DEPTH + columns - 1) / columns; }

/* Up to 32 rows from `row` on: the time is that of reading the weights once. */
template <bool BELOW, bool RIGHT>
void few_rows(const Linear& l, int64_t row, int64_t rows, int64_t pair, float* sums, FinishBlocks& finish) {
  const auto [strip, left, right] = pair_of(l, pair);
  const uint16_t* x = l.x + row * l.x_stride;
  const uint16_t* below = x + TILE_ROWS * l.x_stride;
  const int64_t finished = rows_a_step(l.padded_k);
  zero_sums();
  for (int64_t k = 0; k < l.padded_k; k += DEPTH) {
    const uint16_t* left_tile = left + k * STRIP;
    const uint16_t* right_tile = right + k * STRIP;
    multiply<Streamed::WEIGHTS, BELOW, true, RIGHT>(x + k, below + k, l.x_stride * 2, left_tile, right_tile, [&] {
      prefetch(left_tile + PREFETCH);
      if (RIGHT) {
        prefetch(right_tile + PREFETCH);
      }
      finish.some(finished);
    });
  }
  extend_pair<BELOW, RIGHT>(l, row, strip);
  store_sums<BELOW>(sums);
  finish.begin(row, rows, strip, {sums});
}

void few_rows(const Linear& l, int64_t panel_from, int64_t panel_to) {
  alignas(64) float sums[2][BLOCK_FLOATS];
  FinishBlocks finish(l);
  int slot = 0;
  for (int64_t row = 0; row < l.m; row += BLOCK_ROWS) {
    const int64_t rows = std::min(BLOCK_ROWS, l.m - row);
    const bool below = rows > TILE_ROWS;
    configure(static_cast<int>(below ? TILE_ROWS : rows), static_cast<int>(below ? rows - TILE_ROWS : 0));
    for (int64_t pair = pairs_to(l, panel_from); pair < pairs_to(l, panel_to); pair++, slot = 1 - slot) {
      if (l.up != nullptr || l.n - pair * PANEL > STRIP) {
        below ? few_rows<true, true>(l, row, rows, pair, sums[slot], finish)
              : few_rows<false, true>(l, row, rows, pair, sums[slot], finish);
      } else {
        below ? few_rows<true, false>(l, row, rows, pair, sums[slot], finish)
              : few_rows<false, false>(l, row, rows, pair, sums[slot], finish);
      }
    }
  }
  finish.rest();
}

/* Rows from tiles, and columns of them: what stays in the second cache. */
struct Part {
  int64_t row;
  int64_t rows;
  int64_t k;
  int64_t k_to;
};

/* A part times a pair of strips, TILED_DEPTH columns at a time, whose weights stay in the first cache while all rows go
 * past them. Sums wait in memory in between; meanwhile each block fetches its share of what comes next. */
void many_rows(const Linear& l, const Part& part, int64_t pair, float* sums, FinishBlocks& finish) {
  constexpr int64_t X = BLOCK_ROWS * DEPTH;
  const auto [strip, left, right] = pair_of(l, pair);
  const Pair<uint16_t> following = pair_of(l, pair + 1);
  const int64_t blocks = padded(part.rows, BLOCK_ROWS) / BLOCK_ROWS;
  const int64_t finished = rows_a_step(part.k_to - part.k);
  const uint16_t* x = l.tiles + part.row * l.padded_k + part.k * blocks * BLOCK_ROWS;
  for (int64_t k = part.k; k < part.k_to; k += TILED_DEPTH) {
    const int64_t depth = std::min(TILED_DEPTH, part.k_to - k);
    const int64_t steps = blocks * (depth / DEPTH);
    const int64_t lines = (depth / 2 + steps - 1) / steps;
    const bool more = k + depth < part.k_to;
    const uint16_t* next_left = more ? left + (k + depth) * STRIP : following.left + part.k * STRIP;
    const uint16_t* next_right = more ? right + (k + depth) * STRIP : following.right + part.k * STRIP;
    for (int64_t block = 0; block < blocks; block++) {
      float* of_block = sums + block * BLOCK_FLOATS;
      k == 0 ? zero_sums() : load_sums(of_block);
      for (int64_t i = k * STRIP; i < (k + depth) * STRIP; i += TILE, x += X) {
        multiply<Streamed::X, true, true, true>(x, x + X / 2, 64, left + i, right + i, [&] {
          for (int64_t line = 0; line < lines; line++, next_left += 32, next_right += 32) {
            _mm_prefetch(reinterpret_cast<const char*>(next_left), _MM_HINT_T1);
            _mm_prefetch(reinterpret_cast<const char*>(next_right), _MM_HINT_T1);
          }
          finish.some(finished);
        });
      }
      if (k + depth == l.padded_k) {
        extend_pair<true, true>(l, part.row + block * BLOCK_ROWS, strip);
      }
      store_sums<true>(of_block);
    }
  }
  if (part.k_to == l.padded_k) {
    finish.begin(part.row, part.rows, strip, {sums});
  }
}

struct Sums; /* of many rows: of pairs that are not complete, and of the one that is finished */

/* False without memory. */
bool many_rows(const Linear& l, int64_t panel_from, int64_t panel_to) {
  constexpr int64_t BYTES = 2 * 1024 * 1024;
  const int64_t of_pair = std::min(TILED_ROWS, padded(l.m, BLOCK_ROWS)) / BLOCK_ROWS * BLOCK_FLOATS;
  const int64_t at_once = l.padded_k <= TILED_WIDTH ? 1 : std::max<int64_t>(1, BYTES / 4 / of_pair);
  const int64_t slots = at_once + 1;
  float* sums = thread_memory<Sums, float>(slots * of_pair);
  if (sums == nullptr) {
    return false;
  }
  configure(TILE_ROWS, TILE_ROWS);
  FinishBlocks finish(l);
  const int64_t to = pairs_to(l, panel_to);
  for (int64_t row = 0; row < l.m; row += TILED_ROWS) {
    for (int64_t first = pairs_to(l, panel_from); first < to; first += at_once) {
      for (int64_t k = 0; k < l.padded_k; k += TILED_WIDTH) {
        Part part{row, std::min(TILED_ROWS, l.m - row), k, std::min(l.padded_k, k + TILED_WIDTH)};
        for (int64_t pair = first; pair < std::min(to, first + at_once); pair++) {
          many_rows(l, part, pair, sums + pair % slots * of_pair, finish);
        }
      }
    }
    finish.rest();
  }
  return true;
}

}  // namespace

bool linear_amx(const Linear& l, int64_t panel_from, int64_t panel_to) {
  bool done = true;
  if (l.tiles == nullptr) {
    few_rows(l, panel_from, panel_to);
  } else {
    done = many_rows(l, panel_from, panel_to);
  }
  _tile_release();
  return done;
}

}  // namespace openlora
