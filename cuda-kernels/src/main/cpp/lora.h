#pragma once

#include <cstdint>

namespace openlora {

/* One adapter on neighbouring rows: y = gain (y + scale x A^T B^T) + shift. */
struct LoraRun {
  int64_t from;
  int64_t to;
  const uint16_t* a; /* [rank, in], null without a pair */
  const uint16_t* b; /* [out, rank] */
  int64_t rank;
  float scale;
  const void* gain; /* [out] or null */
  const void* shift;
  float* shrunk; /* [to - from, rank] */
};

struct Lora {
  void* y;
  bool y_bf16;
  int64_t y_stride;
  const uint16_t* x;
  int64_t x_stride;
  bool vectors_bf16; /* gain and shift */
  int64_t in;
  int64_t out;
};

constexpr int64_t LORA_ROWS = 4; /* rows that share one pass over a matrix */

struct LoraKernels {
  /* shrunk[row][r] = x[row] . a[r] for r in [rank_from, rank_to), all rows of the run */
  void (*shrink)(const Lora& l, const LoraRun& run, int64_t rank_from, int64_t rank_to);
  /* the rest, for the outputs [out_from, out_to) */
  void (*expand)(const Lora& l, const LoraRun& run, int64_t out_from, int64_t out_to);
};

extern const LoraKernels lora_avx2;
extern const LoraKernels lora_avx512;

}  // namespace openlora
