#pragma once

#include <cstdint>

#include "linear.h"

namespace openlora {

/* Where column c (of 32) and element i (of 2) of a pair of k lie in its line of 64 bytes. */
using LineOrder = int64_t (*)(int64_t c, int64_t i);

/* The kernel is for weights in bytes, with scales. Every int8 is a bf16, so the sums are those of the bf16 kernel of the
 * same instruction set, in its order. */
struct Int8Kernel {
  LineOrder order;
  LinearKernel linear;
};

extern const Int8Kernel int8_avx2;
extern const Int8Kernel int8_avx512;
extern const Int8Kernel int8_amx;

/* Rows [row, m) of `count` panels, by a bf16 kernel on their widened weights. */
static inline Linear widened_part(const Linear& l, int64_t row, int64_t panel, int64_t count, const uint16_t* widened) {
  int64_t column = panel * PANEL;
  int64_t at = (row * l.out_stride + column) * (l.out_bf16 ? 2 : 4);
  Linear part = l;
  part.out = static_cast<char*>(l.out) + at;
  part.x += row * l.x_stride;
  part.packed = widened;
  part.bytes = nullptr;
  part.bias = l.bias == nullptr ? nullptr : l.bias + column;
  part.scale += column;
  part.m -= row;
  part.n = std::min(l.n - column, count * PANEL);
  return part;
}

}  // namespace openlora
