#pragma once

#include <cstdint>

struct ol_context;

namespace openlora {

/* out[m, n] = scale x[m, k] w^T + bias, or with add: out += that; over the packed columns [panel_from,
 * panel_to) of 32. */
struct Linear {
  void* out;
  bool out_bf16;
  int64_t out_stride;
  const uint16_t* x; /* rows of padded_k elements, zeros behind k */
  int64_t x_stride;
  const uint16_t* packed;
  const uint16_t* bias;
  int64_t m;
  int64_t n;
  int64_t padded_k; /* a multiple of 32 */
  bool add = false;
  const float* scale = nullptr;    /* [padded n], 64-byte aligned: what a column's sum is multiplied with */
  const uint16_t* tiles = nullptr; /* x as [m / 16][padded_k / 32][16][32], rows padded to 32 by zeros */
};

constexpr int64_t PANEL = 32;   /* columns packed together */
constexpr int64_t DEPTH = 32;   /* k is padded to a multiple of it */

inline int64_t padded(int64_t size, int64_t unit) { return (size + unit - 1) / unit * unit; }

/* Packs the panels [panel_from, panel_to) of a weight [n, k]; times > 1 repeats its columns behind each
 * other, for an x of as many parts. */
void pack(uint16_t* packed, const uint16_t* weight, int64_t n, int64_t k, int64_t stride, int times,
          int64_t panel_from, int64_t panel_to);

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

/* Gives l the tiles of x where its kernel wants them. False without memory. */
bool tile(ol_context* context, Linear& l);

/* Checks a call and brings its rows to padded_k, in the context's memory where k is not; an ol_status. */
int32_t begin(ol_context* context, void* out, int32_t out_dtype, int64_t out_stride, const uint16_t* x,
              int64_t x_stride, const void* packed, const uint16_t* bias, int64_t m, int64_t n, int64_t k, Linear* l);

}  // namespace openlora
