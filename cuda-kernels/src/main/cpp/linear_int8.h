#pragma once

#include <cstdint>

#include "linear.h"

namespace openlora {

/* Where column c (of 32) and element i (of 2) of a pair of k lie in its line of 64 bytes. */
using LineOrder = int64_t (*)(int64_t c, int64_t i);

/* As a LinearKernel, of int8 weights: l.packed is not read, l.scale is set. Every int8 is a bf16, so the
 * sums are those of the bf16 kernel of the same instruction set, in its order. widened: this thread's
 * memory, WIDENED_BYTES or a panel in bf16, whichever is more. */
struct Int8Kernel {
  LineOrder order;
  void (*linear)(const Linear& l, const int8_t* packed, uint16_t* widened, int64_t panel_from, int64_t panel_to);
};

constexpr int64_t WIDENED_BYTES = 8192;

extern const Int8Kernel int8_avx2;
extern const Int8Kernel int8_avx512;
extern const Int8Kernel int8_amx;

/* Rows [row, m) of one panel, by a bf16 kernel on its widened weights. */
static inline Linear rest_of(const Linear& l, int64_t row, int64_t panel, const uint16_t* widened) {
  int64_t column = panel * PANEL;
  int64_t at = (row * l.out_stride + column) * (l.out_bf16 ? 2 : 4);
  Linear rest = l;
  rest.out = static_cast<char*>(l.out) + at;
  rest.x += row * l.x_stride; /* its tiles are of all rows */
  rest.packed = widened;
  rest.bias = l.bias == nullptr ? nullptr : l.bias + column;
  rest.scale += column;
  rest.m -= row;
  rest.n = l.n - column < PANEL ? l.n - column : PANEL;
  return rest;
}

}  // namespace openlora
