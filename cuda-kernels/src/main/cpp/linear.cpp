#include "linear.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "context.h"

using openlora::DEPTH;
using openlora::Linear;
using openlora::PANEL;
using openlora::padded;

namespace openlora {

namespace {

/* Rows of k elements become columns of the panel, from depth `at` on. */
void pack_panel(uint16_t* panel, const uint16_t* rows, int64_t columns, int64_t at, int64_t k, int64_t stride) {
  constexpr int64_t BLOCK = 32; /* whose lines stay in the cache while all columns write to them */
  int64_t even = at % 2 == 0 ? k / 2 * 2 : 0;
  for (int64_t block = 0; block < even; block += BLOCK) {
    int64_t end = std::min(even, block + BLOCK);
    for (int64_t c = 0; c < columns; c++) {
      const uint16_t* row = rows + c * stride;
      uint16_t* column = panel + at * PANEL + 2 * c;
      for (int64_t i = block; i < end; i += 2) {
        std::memcpy(column + i * PANEL, row + i, 4);
      }
    }
  }
  for (int64_t i = even; i < k; i++) {
    for (int64_t c = 0; c < columns; c++) {
      panel[(at + i) / 2 * (2 * PANEL) + 2 * c + (at + i) % 2] = rows[c * stride + i];
    }
  }
}

}  // namespace

void pack(uint16_t* packed, const uint16_t* weight, int64_t n, int64_t k, int64_t stride, int times,
          int64_t panel_from, int64_t panel_to) {
  int64_t depth = padded(times * k, DEPTH);
  for (int64_t panel = panel_from; panel < panel_to; panel++) {
    uint16_t* to = packed + panel * depth * PANEL;
    int64_t columns = std::min(PANEL, n - panel * PANEL);
    if (columns < PANEL || depth != times * k) {
      std::memset(to, 0, static_cast<size_t>(depth * PANEL) * 2);
    }
    const uint16_t* from = weight + panel * PANEL * stride;
    for (int time = 0; time < times; time++) {
      pack_panel(to, from, columns, time * k, k, stride);
    }
  }
}

namespace {

/* Up to so many rows AMX reads x where it lies. */
constexpr int64_t FEW_ROWS = 32;

/* Copies x into tiles, so that the rows of one lie side by side. False without memory. */
bool copy_tiles(ol_context* context, Linear& l) {
  constexpr int64_t ROWS = 16, TILE = ROWS * DEPTH;
  int64_t blocks = padded(l.m, 2 * ROWS) / ROWS;
  uint16_t* tiles =
      static_cast<uint16_t*>(context->tiles.of(static_cast<size_t>(blocks * ROWS * l.padded_k) * 2));
  if (tiles == nullptr) {
    return false;
  }
  auto copy = [&](int thread, int threads) {
    for (int64_t row = blocks * thread / threads * ROWS; row < blocks * (thread + 1) / threads * ROWS; row++) {
      uint16_t* to = tiles + row / ROWS * ROWS * l.padded_k + row % ROWS * DEPTH;
      for (int64_t k = 0; k < l.padded_k; k += DEPTH, to += TILE) {
        if (row < l.m) {
          std::memcpy(to, l.x + row * l.x_stride + k, DEPTH * 2);
        } else {
          std::memset(to, 0, DEPTH * 2);
        }
      }
    }
  };
  context->pool.run(copy);
  l.tiles = tiles;
  return true;
}

}  // namespace

bool tile(ol_context* context, Linear& l) {
  return context->kernels.isa != OL_AMX_BF16 || l.m <= FEW_ROWS || copy_tiles(context, l);
}

int32_t begin(ol_context* context, void* out, int32_t out_dtype, int64_t out_stride, const uint16_t* x,
              int64_t x_stride, const void* packed, const uint16_t* bias, int64_t m, int64_t n, int64_t k, Linear* l) {
  if (context == nullptr || out == nullptr || x == nullptr || packed == nullptr || m < 0 || n < 1 || k < 1 ||
      out_stride < n || x_stride < k || (out_dtype != OL_F32 && out_dtype != OL_BF16) ||
      reinterpret_cast<uintptr_t>(packed) % 64 != 0) {
    return OL_BAD_ARGUMENT;
  }
  int64_t depth = padded(k, DEPTH);
  if (depth != k && m > 0) {
    uint16_t* rows = static_cast<uint16_t*>(context->activations.of(static_cast<size_t>(m * depth * 2)));
    if (rows == nullptr) {
      return OL_OUT_OF_MEMORY;
    }
    for (int64_t i = 0; i < m; i++) {
      std::memcpy(rows + i * depth, x + i * x_stride, static_cast<size_t>(k) * 2);
      std::memset(rows + i * depth + k, 0, static_cast<size_t>(depth - k) * 2);
    }
    x = rows;
    x_stride = depth;
  }
  *l = {out, out_dtype == OL_BF16, out_stride, x, x_stride, static_cast<const uint16_t*>(packed), bias, m, n, depth};
  return OL_OK;
}

}  // namespace openlora

namespace {

/* Panels whose sums, of all rows, stay in a core's cache until they are done with. */
constexpr int64_t GROUP = 4;

/* `width` columns from a panel on, into f32 rows of their own. */
Linear columns_of(const Linear& l, int64_t panel, int64_t width, float* out) {
  Linear some = l;
  some.out = out;
  some.out_bf16 = false;
  some.out_stride = GROUP * PANEL;
  some.packed += panel * l.padded_k * PANEL;
  some.bias = l.bias == nullptr ? nullptr : l.bias + panel * PANEL;
  some.n = width;
  return some;
}

}  // namespace

extern "C" {

int64_t ol_packed_bytes(int64_t n, int64_t k) { return padded(n, PANEL) * padded(k, DEPTH) * 2; }

int32_t ol_pack(ol_context* context, void* packed, const uint16_t* weight, int64_t n, int64_t k, int64_t stride) {
  if (context == nullptr || packed == nullptr || weight == nullptr || n < 1 || k < 1 || stride < k ||
      reinterpret_cast<uintptr_t>(packed) % 64 != 0) {
    return OL_BAD_ARGUMENT;
  }
  int64_t panels = padded(n, PANEL) / PANEL;
  auto share = [=](int thread, int threads) {
    openlora::pack(static_cast<uint16_t*>(packed), weight, n, k, stride, 1, panels * thread / threads,
                   panels * (thread + 1) / threads);
  };
  context->pool.run(share);
  return OL_OK;
}

int32_t ol_linear(ol_context* context, void* out, int32_t out_dtype, int64_t out_stride, const uint16_t* x,
                  int64_t x_stride, const void* packed, const uint16_t* bias, int64_t m, int64_t n, int64_t k) {
  Linear l;
  int32_t status = openlora::begin(context, out, out_dtype, out_stride, x, x_stride, packed, bias, m, n, k, &l);
  if (status != OL_OK || m == 0) {
    return status;
  }
  if (!openlora::tile(context, l)) {
    return OL_OUT_OF_MEMORY;
  }
  int64_t panels = padded(n, PANEL) / PANEL;
  std::atomic<bool> done{true};
  auto multiply = [&](int thread, int threads) {
    if (!context->kernels.linear(l, panels * thread / threads, panels * (thread + 1) / threads)) {
      done = false;
    }
  };
  context->pool.run(multiply);
  return done ? OL_OK : OL_OUT_OF_MEMORY;
}

int32_t ol_gated_linear(ol_context* context, void* out, int32_t out_dtype, int64_t out_stride, const uint16_t* x,
                        int64_t x_stride, const void* packed_gate, const uint16_t* gate_bias, const void* packed_up,
                        const uint16_t* up_bias, int64_t m, int64_t n, int64_t k) {
  Linear gate;
  int32_t status =
      openlora::begin(context, out, out_dtype, out_stride, x, x_stride, packed_gate, gate_bias, m, n, k, &gate);
  if (status != OL_OK || m == 0) {
    return status;
  }
  if (packed_up == nullptr) {
    return OL_BAD_ARGUMENT;
  }
  size_t floats = static_cast<size_t>(m * GROUP * PANEL);
  float* sums = static_cast<float*>(
      context->scratch.of(2 * floats * sizeof(float) * static_cast<size_t>(context->pool.threads())));
  if (sums == nullptr || !openlora::tile(context, gate)) {
    return OL_OUT_OF_MEMORY;
  }
  Linear up = gate;
  up.packed = static_cast<const uint16_t*>(packed_up);
  up.bias = up_bias;
  int64_t panels = padded(n, PANEL) / PANEL;
  std::atomic<bool> done{true};
  auto multiply = [&](int thread, int threads) {
    float* gate_sums = sums + 2 * floats * static_cast<size_t>(thread);
    float* up_sums = gate_sums + floats;
    int64_t last = panels * (thread + 1) / threads;
    for (int64_t panel = panels * thread / threads; panel < last; panel += GROUP) {
      int64_t count = std::min(GROUP, last - panel);
      int64_t width = std::min(count * PANEL, n - panel * PANEL);
      if (!context->kernels.linear(columns_of(gate, panel, width, gate_sums), 0, count) ||
          !context->kernels.linear(columns_of(up, panel, width, up_sums), 0, count)) {
        done = false;
      }
      char* to = static_cast<char*>(out) + panel * PANEL * (out_dtype == OL_BF16 ? 2 : 4);
      openlora::SiluMul product{{to, out_dtype == OL_BF16, out_stride},
                                {gate_sums, false, GROUP * PANEL},
                                {up_sums, false, GROUP * PANEL},
                                width};
      context->kernels.rows->silu_mul(product, 0, m);
    }
  };
  context->pool.run(multiply);
  return done ? OL_OK : OL_OUT_OF_MEMORY;
}
}
