/* x in the forms that kernels read it in. */
#include <algorithm>
#include <cstring>

#include "context.h"
#include "linear.h"

namespace openlora {

bool begin(ol_context* context, const uint16_t* x, int64_t x_stride, int64_t m, int64_t k, Linear* l) {
  int64_t depth = padded(k, DEPTH);
  if (depth != k && m > 0) {
    uint16_t* rows = static_cast<uint16_t*>(context->activations.of(static_cast<size_t>(m * depth * 2)));
    if (rows == nullptr) {
      return false;
    }
    for (int64_t i = 0; i < m; i++) {
      std::memcpy(rows + i * depth, x + i * x_stride, static_cast<size_t>(k) * 2);
      std::memset(rows + i * depth + k, 0, static_cast<size_t>(depth - k) * 2);
    }
    x = rows;
    x_stride = depth;
  }
  *l = {};
  l->x = x;
  l->x_stride = x_stride;
  l->m = m;
  l->padded_k = depth;
  return true;
}

namespace {

/* Up to so many rows AMX reads x where it lies. */
constexpr int64_t FEW_ROWS = 32;

/* Copies x into tiles, in the order in which a product reads them. False without memory. */
bool copy_tiles(ol_context* context, Linear& l) {
  constexpr int64_t ROWS = FEW_ROWS;
  int64_t blocks = padded(l.m, ROWS) / ROWS;
  uint16_t* tiles =
      static_cast<uint16_t*>(context->tiles.of(static_cast<size_t>(blocks * ROWS * l.padded_k) * 2));
  if (tiles == nullptr) {
    return false;
  }
  auto copy = [&](int thread, int threads) {
    for (int64_t block = blocks * thread / threads; block < blocks * (thread + 1) / threads; block++) {
      int64_t row = block * ROWS;
      int64_t first = row / TILED_ROWS * TILED_ROWS;
      int64_t rows = std::min(TILED_ROWS, blocks * ROWS - first);
      for (int64_t k = 0; k < l.padded_k; k += TILED_DEPTH) {
        int64_t depth = std::min(TILED_DEPTH, l.padded_k - k);
        uint16_t* to = tiles + first * l.padded_k + k * rows + (row - first) * depth;
        for (int64_t r = row; r < row + ROWS; r++, to += DEPTH) {
          for (int64_t i = 0; i < depth; i += DEPTH) {
            if (r < l.m) {
              std::memcpy(to + i * ROWS, l.x + r * l.x_stride + k + i, DEPTH * 2);
            } else {
              std::memset(to + i * ROWS, 0, DEPTH * 2);
            }
          }
        }
      }
    }
  };
  context->pool.run(copy);
  l.tiles = tiles;
  return true;
}

/* Sums of so many products of a digit and a byte fit 32 bits. */
constexpr int64_t MOST_DIGITS = 1 << 16;
constexpr int64_t ROWS_A_PIECE = 2; /* less is not worth a second thread */

bool takes_digits(const ol_context* context, const Linear& l) {
  const Int8Kernel& kernel = *context->kernels.int8;
  return kernel.cut != nullptr && l.padded_k <= MOST_DIGITS && (context->deterministic || l.m <= kernel.most_rows);
}

/* Cuts x into digits. False without memory. */
bool cut_digits(ol_context* context, Linear& l) {
  const int64_t depth = padded(l.padded_k, BYTES_DEPTH);
  const int64_t rows = padded(3 * l.m, 16) * depth; /* tiles read whole ones */
  char* memory = static_cast<char*>(context->digits.of(static_cast<size_t>(rows + l.m * 4 * 4)));
  if (memory == nullptr) {
    return false;
  }
  int8_t* digits = reinterpret_cast<int8_t*>(memory);
  int32_t* offsets = reinterpret_cast<int32_t*>(memory + rows);
  float* units = reinterpret_cast<float*>(offsets + 3 * l.m);
  l.digits = {digits, offsets, units, depth};
  auto cut = [&](int thread, int threads) {
    for (int64_t row = l.m * thread / threads; row < l.m * (thread + 1) / threads; row++) {
      units[row] = context->kernels.int8->cut(digits + 3 * row * depth, offsets + 3 * row, l.x + row * l.x_stride,
                                              l.padded_k, depth);
    }
  };
  if (l.m < context->pool.threads() * ROWS_A_PIECE) {
    cut(0, 1);
  } else {
    context->pool.run(cut);
  }
  return true;
}

}  // namespace

bool arrange(ol_context* context, Linear& l, bool words, bool bytes) {
  if (bytes && takes_digits(context, l) && !cut_digits(context, l)) {
    return false;
  }
  bool wanted = words || (bytes && l.digits.rows == nullptr);
  return !wanted || context->kernels.isa != OL_AMX_BF16 || l.m <= FEW_ROWS || copy_tiles(context, l);
}

}  // namespace openlora
