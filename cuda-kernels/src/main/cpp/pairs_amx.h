#pragma once

#include <immintrin.h>

#include <algorithm>

#include "linear.h"
#include "linear_store.h"
#include "vector.h"

/* Products of tiles go by pairs of strips. Static, as what includes it is compiled for AMX. */
namespace openlora {

/* Two strips that are multiplied together: of a panel, or the ones of a gate and of what it gates. */
template <typename Weight>
struct Pair {
  int64_t strip;
  const Weight* left;
  const Weight* right;

  /* depth: elements of a column */
  static Pair of(const Linear& l, const Weight* Linear::*weights, int64_t depth, int64_t i) {
    const int64_t apart = depth * STRIP;
    if (l.up == nullptr) {
      return {2 * i, l.*weights + 2 * i * apart, l.*weights + (2 * i + 1) * apart};
    }
    return {i, l.*weights + i * apart, l.up->*weights + i * apart};
  }
};

/* The pairs of the panels up to `panel`. */
static inline int64_t pairs_to(const Linear& l, int64_t panel) {
  return l.up == nullptr ? panel : std::min(2 * panel, padded(l.n, STRIP) / STRIP);
}

/* What becomes of sixteen columns of sums: scaled, with the bias. */
struct Columns {
  __mmask16 mask;
  __m512 scale;
  __m512 bias;

  static Columns of(const Linear& l, int64_t column) {
    __mmask16 mask = inside(l, column);
    return {mask,
            l.scale == nullptr ? _mm512_set1_ps(1) : _mm512_maskz_loadu_ps(mask, l.scale + column),
            l.bias == nullptr ? _mm512_setzero_ps() : widened(l.bias + column, mask)};
  }

  __m512 value(__m512 sums) const { return _mm512_fmadd_ps(sums, scale, bias); }
};

/* Brings the sums of a pair to their place, some rows at a time beside the next pair's products: the tile unit, or the
 * memory that weights come from, leaves the others idle. Sums: what left(row) and right(row) are. */
template <typename Sums>
class Finish {
 public:
  explicit Finish(const Linear& l) : l_(l) {}

  /* The rows [row, row + rows) of out; what is left of the ones before is finished first. */
  void begin(int64_t row, int64_t rows, int64_t strip, Sums sums) {
    rest();
    row_ = row;
    rows_ = rows;
    done_ = 0;
    column_ = strip * STRIP;
    sums_ = sums;
    left_ = Columns::of(l_, column_);
    right_ = l_.up == nullptr ? Columns::of(l_, column_ + STRIP) : Columns::of(*l_.up, column_);
    fetch_addends(l_);
    if (l_.up != nullptr) {
      fetch_addends(*l_.up);
    }
  }

  void some(int64_t rows) {
    for (int64_t to = std::min(rows_, done_ + rows); done_ < to; done_++) {
      __m512 left = left_.value(sums_.left(done_));
      __m512 right = right_.value(sums_.right(done_));
      int64_t at = (row_ + done_) * l_.out_stride + column_;
      if (l_.up != nullptr) {
        put(l_, at, left_.mask, amx::gated(added(l_, left), added(*l_.up, right)));
      } else {
        put(l_, at, left_.mask, left);
        put(l_, at + STRIP, right_.mask, right);
      }
    }
  }

  void rest() { some(rows_); }

 private:
  /* Those of the next strip, which weights may have pushed out of the second cache. */
  void fetch_addends(const Linear& l) const {
    for (int64_t row = row_; l.addends != nullptr && column_ + STRIP < l.n && row < row_ + rows_; row++) {
      _mm_prefetch(reinterpret_cast<const char*>(l.addends + row * l.addend_stride + column_ + STRIP), _MM_HINT_T0);
    }
  }

  /* With what is to be added to the row. */
  __m512 added(const Linear& l, __m512 values) const {
    return l.addends == nullptr
               ? values
               : _mm512_add_ps(values, _mm512_loadu_ps(l.addends + (row_ + done_) * l.addend_stride + column_));
  }

  const Linear& l_;
  int64_t row_ = 0;
  int64_t rows_ = 0;
  int64_t done_ = 0;
  int64_t column_ = 0;
  Sums sums_{};
  Columns left_{};
  Columns right_{};
};

}  // namespace openlora
