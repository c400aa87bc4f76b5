#pragma once

#include <cstdint>

#include "linear.h"

namespace openlora {

/* Where element k of column c (of 32) lies in a panel of `depth` elements a column. */
using ByteOrder = int64_t (*)(int64_t c, int64_t k, int64_t depth);

/* The kernel for weights in bytes, with scales. With digits of x its sums are whole numbers, and exact. Without, they
 * are those of the bf16 kernel of the same instruction set, in its order, as every int8 is a bf16. */
struct Int8Kernel {
  ByteOrder order;
  LinearKernel linear;
  /* Cuts a row of x, `padded_k` elements, into Digits; returns its unit. Null: the kernel takes none. */
  float (*cut)(int8_t* digits, int32_t* offsets, const uint16_t* x, int64_t padded_k, int64_t depth);
  int64_t most_rows; /* for which that is the fast way */
};

extern const Int8Kernel int8_avx2;
extern const Int8Kernel int8_avx512;
extern const Int8Kernel int8_amx;

float cut_avx512(int8_t* digits, int32_t* offsets, const uint16_t* x, int64_t padded_k, int64_t depth);

}  // namespace openlora
