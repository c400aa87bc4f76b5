#pragma once

#include <algorithm>
#include <cstdint>

struct ol_context;

namespace openlora {

/* What an adapter of many rows adds to a product: more columns of x, for the rows [from, to), and of w. */
struct Extension {
  int64_t from;
  int64_t to;
  int64_t depth;          /* a multiple of 32 */
  const uint16_t* x;      /* the row `from`; rows are `depth` apart, EXTENSION_MARGIN rows of zeros before and behind */
  const uint16_t* packed; /* all panels of a w of `depth` columns */
};

constexpr int64_t EXTENSION_MARGIN = 32;

/* x for weights in bytes: whole numbers of three signed digits to the base 256, and a unit for each row. */
struct Digits {
  const int8_t* rows = nullptr;     /* [m][3][depth], the least digit first, zeros behind k */
  const int32_t* offsets = nullptr; /* [m][3]: -128 times the sum of each row's digits */
  const float* units = nullptr;     /* [m]; NaN where x is not finite */
  int64_t depth = 0;                /* a multiple of 64 */
};

/* out[m, n] = scale x[m, k] w^T + bias, or with add: out += that; over the packed columns [panel_from,
 * panel_to) of 32. w is bf16, or int8 with scales. */
struct Linear {
  void* out = nullptr;
  bool out_bf16 = false;
  int64_t out_stride = 0;
  const uint16_t* x = nullptr; /* rows of padded_k elements, zeros behind k */
  int64_t x_stride = 0;
  const uint16_t* packed = nullptr;
  const int8_t* bytes = nullptr; /* in place of packed */
  const uint16_t* bias = nullptr;
  int64_t m = 0;
  int64_t n = 0;
  int64_t padded_k = 0; /* a multiple of 32 */
  bool add = false;
  const float* scale = nullptr;    /* [padded n], 64-byte aligned: what a column's sum is multiplied with */
  const uint16_t* tiles = nullptr; /* x in the order of copy_tiles */
  Digits digits;                   /* x, where bytes are multiplied without being widened */
  const Extension* extensions = nullptr; /* of bf16 weights */
  int64_t extension_count = 0;
  int64_t extension_panel = 0;     /* which of their panels this product's first is */
  int64_t extension_row = 0;       /* and which of their rows */
  const float* addends = nullptr;  /* of a product with up: [m, padded n], added to the sums before silu */
  int64_t addend_stride = 0;
  const Linear* up = nullptr;      /* out = silu(this) up, of the same x, shape and type */
};

constexpr int64_t STRIP = 16;   /* columns packed together: [n / 16][k / 2][16][2] */
constexpr int64_t PANEL = 32;   /* two strips: what work is parted into */
constexpr int64_t DEPTH = 32;   /* k is padded to a multiple of it */
constexpr int64_t BYTES_DEPTH = 64; /* the same for weights in bytes */

/* x in tiles: of each TILED_ROWS, of each TILED_DEPTH columns, [rows / 32][columns / 32][32][32], rows padded by zeros.
 * Two strips of that depth stay in the first cache while the rows go past them, and the rows of TILED_WIDTH columns in
 * the second while the strips do. */
constexpr int64_t TILED_ROWS = 512;
constexpr int64_t TILED_DEPTH = 448;
constexpr int64_t TILED_WIDTH = 2 * TILED_DEPTH;

inline int64_t padded(int64_t size, int64_t unit) { return (size + unit - 1) / unit * unit; }

/* Packs the panels [panel_from, panel_to) of a weight [n, k]; times > 1 repeats its columns behind each
 * other, for an x of as many parts. */
void pack(uint16_t* packed, const uint16_t* weight, int64_t n, int64_t k, int64_t stride, int times,
          int64_t panel_from, int64_t panel_to);

/* Calls body(x, depth, packed strip) for what extends [row, row + rows) of a product. */
template <typename Body>
static inline void each_extension(const Linear& l, int64_t row, int64_t rows, int64_t strip, Body body) {
  for (int64_t i = 0; i < l.extension_count; i++) {
    const Extension& e = l.extensions[i];
    int64_t first = l.extension_row + row;
    if (e.from < first + rows && e.to > first) {
      body(e.x + (first - e.from) * e.depth, e.depth, e.packed + (2 * l.extension_panel + strip) * e.depth * STRIP);
    }
  }
}

/* Panels that stay in a core's cache while all rows go past them. */
inline int64_t panels_in_cache(const Linear& l) {
  constexpr int64_t BYTES = 512 * 1024;
  int64_t count = BYTES / (l.padded_k * PANEL * 2);
  return count < 1 ? 1 : count;
}

/* False when there is no memory. */
using LinearKernel = bool (*)(const Linear& l, int64_t panel_from, int64_t panel_to);

bool linear_avx2(const Linear& l, int64_t panel_from, int64_t panel_to);
bool linear_avx512(const Linear& l, int64_t panel_from, int64_t panel_to);
bool linear_amx(const Linear& l, int64_t panel_from, int64_t panel_to);

/* Gives l x in the forms that its kernels want for weights in bf16, in bytes, or both. False without memory. */
bool arrange(ol_context* context, Linear& l, bool words, bool bytes);

/* x, and what follows from it: rows of padded_k elements, in the context's memory where k is not that. False without
 * memory. */
bool begin(ol_context* context, const uint16_t* x, int64_t x_stride, int64_t m, int64_t k, Linear* l);

}  // namespace openlora
