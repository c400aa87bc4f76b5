#pragma once

#include <cstdint>

namespace openlora {

/* Keys and values of one layer in pages of PAGE positions. Keys lie transposed within a page, so that
 * one load has 16 positions of one coordinate:
 *   keys:   [pages][kv_heads][head_size][PAGE] bf16
 *   values: [pages][kv_heads][PAGE][head_size] bf16 */
constexpr int64_t PAGE = 16;

struct KvLayer {
  uint16_t* keys;
  uint16_t* values;
  int64_t kv_heads;
  int64_t head_size;

  uint16_t* key_page(int64_t page, int64_t head) const {
    return keys + (page * kv_heads + head) * head_size * PAGE;
  }
  uint16_t* value_page(int64_t page, int64_t head) const {
    return values + (page * kv_heads + head) * head_size * PAGE;
  }
};

struct Attention {
  KvLayer kv;
  void* out; /* [rows, heads, head_size], f32 or bf16 */
  bool out_bf16;
  const void* q;
  bool q_bf16;
  int64_t heads;
  float scale;
  int64_t window; /* 0: all */
  const int32_t* pages; /* page tables one after the other */
};

/* Rows of one sequence for one head of keys: [row, row + rows) at the positions [position, ...). */
struct AttentionJob {
  int64_t row;
  int64_t rows;
  int64_t position;
  const int32_t* pages;
  int64_t kv_head;
};

/* scratch: attention_scratch floats. */
using AttentionKernel = void (*)(const Attention& a, const AttentionJob& job, float* scratch);

constexpr int64_t ATTENTION_ROWS = 16;  /* query rows times heads of a group worked on together */
constexpr int64_t ATTENTION_TILE = 128; /* positions per step of the running softmax */

inline int64_t attention_scratch(int64_t head_size) {
  return ATTENTION_ROWS * (2 * head_size + ATTENTION_TILE + 4) + PAGE * head_size;
}

void attention_avx2(const Attention& a, const AttentionJob& job, float* scratch);
void attention_avx512(const Attention& a, const AttentionJob& job, float* scratch);

}  // namespace openlora
