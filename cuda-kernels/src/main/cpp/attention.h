#pragma once

#include <algorithm>
#include <cstdint>

namespace openlora {

/* Keys and values of one layer in pages of PAGE positions. What a product takes together lies together:
 * two coordinates of a key, two positions of a value, in the 32-bit lanes of AMX's second operand.
 *   keys:   [pages][kv_heads][ceil(head_size / 2)][PAGE][2] bf16; zero behind the last of an odd size
 *   values: [pages][kv_heads][PAGE / 2][head_size][2] bf16, then PAGE unused where the size is odd */
constexpr int64_t PAGE = 16;

struct KvLayer {
  uint16_t* keys;
  uint16_t* values;
  int64_t kv_heads;
  int64_t head_size;

  static int64_t page_elements(int64_t head_size) { return (head_size + 1) / 2 * 2 * PAGE; }

  uint16_t* key_page(int64_t page, int64_t head) const {
    return keys + (page * kv_heads + head) * page_elements(head_size);
  }
  uint16_t* value_page(int64_t page, int64_t head) const {
    return values + (page * kv_heads + head) * page_elements(head_size);
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

  int64_t group() const { return heads / kv.kv_heads; }
  /* The first position that is seen from one. */
  int64_t first_seen(int64_t position) const {
    return window > 0 ? std::max<int64_t>(0, position - window + 1) : 0;
  }
};

/* Rows of one sequence for one head of keys: [row, row + rows) at the positions [position, ...). Its query
 * vectors are those of the heads of the group for the first row, then for the next. */
struct AttentionJob {
  int64_t row;
  int64_t rows;
  int64_t position;
  const int32_t* pages;
  int64_t kv_head;

  int64_t vectors(const Attention& a) const { return rows * a.group(); }
  /* Where a query vector lies in q and out. */
  int64_t element(const Attention& a, int64_t vector) const {
    int64_t head = kv_head * a.group() + vector % a.group();
    return ((row + vector / a.group()) * a.heads + head) * a.kv.head_size;
  }
  int64_t position_of(const Attention& a, int64_t vector) const { return position + vector / a.group(); }
};

/* scratch: attention_scratch floats, 64-byte aligned. */
using AttentionKernel = void (*)(const Attention& a, const AttentionJob& job, float* scratch);

constexpr int64_t ATTENTION_VECTORS = 128; /* query vectors of a job that pages are read for, at best */
constexpr int64_t ATTENTION_BLOCK = 16;    /* query vectors worked on together, at most */
constexpr int64_t ATTENTION_TILE = 128;    /* positions per step of the running softmax */

inline int64_t attention_scratch(int64_t head_size, int64_t group) {
  int64_t vectors = (std::max(ATTENTION_VECTORS, group) + ATTENTION_BLOCK - 1) / ATTENTION_BLOCK * ATTENTION_BLOCK;
  int64_t padded_size = (head_size + 31) / 32 * 32;
  return vectors * (2 * padded_size + 32) + ATTENTION_TILE * (padded_size / 2 + 2 * ATTENTION_BLOCK);
}

void attention_avx2(const Attention& a, const AttentionJob& job, float* scratch);
void attention_avx512(const Attention& a, const AttentionJob& job, float* scratch);
void attention_amx(const Attention& a, const AttentionJob& job, float* scratch);

}  // namespace openlora
