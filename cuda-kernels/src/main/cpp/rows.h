#pragma once

#include <cstdint>

namespace openlora {

/* A matrix's rows: f32 or bf16, `stride` elements apart. */
struct Rows {
  void* data;
  bool bf16;
  int64_t stride;
};

struct RmsNorm {
  Rows out;
  Rows x;
  const void* weight;
  bool weight_bf16;
  int64_t width;
  float epsilon;
};

struct Rope {
  Rows x; /* heads * head_size wide */
  const float* cos; /* [positions, head_size / 2] */
  const float* sin;
  const int32_t* positions;
  int64_t heads;
  int64_t head_size;
};

struct SiluMul {
  Rows out;
  Rows gate;
  Rows up;
  int64_t width;
};

/* y += x */
struct Add {
  Rows y;
  Rows x;
  int64_t width;
};

/* Most that is found of a row. */
constexpr int64_t TOP_MOST = 64;

/* The `count` greatest of each row, in order; the lower index first among equals, a NaN as infinity. */
struct Top {
  Rows x;
  int64_t width;
  float* values; /* [rows, count] */
  int32_t* ids;
  int64_t count;
};

/* The sum of e^((x - greatest) scale) over one row. */
struct SumExp {
  const void* x;
  bool bf16;
  float greatest;
  float scale;
};

/* Row kernels of one instruction set; each works on the rows [from, to), sum_exp on elements of one. */
struct RowKernels {
  void (*rms_norm)(const RmsNorm&, int64_t from, int64_t to);
  void (*rope)(const Rope&, int64_t from, int64_t to);
  void (*silu_mul)(const SiluMul&, int64_t from, int64_t to);
  void (*add)(const Add&, int64_t from, int64_t to);
  void (*top)(const Top&, int64_t from, int64_t to);
  double (*sum_exp)(const SumExp&, int64_t from, int64_t to);
};

extern const RowKernels rows_avx2;
extern const RowKernels rows_avx512;

}  // namespace openlora
