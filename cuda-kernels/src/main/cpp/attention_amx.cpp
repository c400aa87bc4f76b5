/* Grouped-query attention through AMX tiles, for results in bf16: the same running softmax as in f32, with
 * queries in two halves of bf16 (16 bits of mantissa) and shares rounded to bf16. A query vector is one row of
 * a tile, and rows do not meet: its bits do not depend on the vectors beside it. */
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "attention.h"
#include "tiles.h"

namespace openlora {

namespace {

constexpr int64_t DEPTH = 32; /* coordinates, or positions, that one product takes */
constexpr float LOG2_E = 1.44269504f;
constexpr float NOTHING = -__builtin_inff();

/* One job's state. Vectors of a block lie beside each other in every array. */
struct Work {
  const Attention& a;
  const AttentionJob& job;
  int64_t size;
  int64_t vectors;
  float* sums;       /* [vectors][size] */
  float* totals;     /* [vectors][16], by lane */
  float* highest;    /* [vectors] */
  float* scores;     /* [ATTENTION_BLOCK][ATTENTION_TILE] */
  uint16_t* queries; /* [vectors / ATTENTION_BLOCK][upper, lower][ATTENTION_BLOCK][size] */
  uint16_t* values;  /* [ATTENTION_TILE / 2][size][2], of the tile at hand */
  uint16_t* shares;  /* [ATTENTION_BLOCK][ATTENTION_TILE] */
};

/* Vectors [first, first + count), and the positions that any of them sees. */
struct Block {
  int64_t first;
  int64_t count;
  int64_t begin;
  int64_t end;
};

/* g++ 12 does not know that tile loads read memory. */
inline void written() { asm volatile("" ::: "memory"); }

inline __m512 widened(__m256i halves) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

inline __m256i load_halves(const uint16_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

inline void store_halves(uint16_t* to, __m256i halves) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), halves); }

inline __m256i narrowed(__m512 values) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values)); }

/* Calls body with every vector and where it lies in q and out. */
template <typename Body>
void each_vector(const Work& w, Body body) {
  int64_t group = w.a.group();
  for (int64_t row = 0, vector = 0; row < w.job.rows; row++) {
    int64_t element = ((w.job.row + row) * w.a.heads + w.job.kv_head * group) * w.size;
    for (int64_t head = 0; head < group; head++, vector++, element += w.size) {
      body(vector, element);
    }
  }
}

void read_query(const Work& w, int64_t vector, int64_t element) {
  int64_t in_block = vector % ATTENTION_BLOCK;
  uint16_t* upper = w.queries + (2 * (vector - in_block) + in_block) * w.size;
  uint16_t* lower = upper + ATTENTION_BLOCK * w.size;
  __m512 scale = _mm512_set1_ps(w.a.scale * LOG2_E);
  for (int64_t d = 0; d < w.size; d += 16) {
    __m512 q = w.a.q_bf16 ? widened(load_halves(static_cast<const uint16_t*>(w.a.q) + element + d))
                          : _mm512_loadu_ps(static_cast<const float*>(w.a.q) + element + d);
    q = _mm512_mul_ps(q, scale);
    __m256i high = narrowed(q);
    store_halves(upper + d, high);
    store_halves(lower + d, narrowed(_mm512_sub_ps(q, widened(high))));
  }
}

/* The values of the positions [tile, end) side by side, zeros behind them to the next whole product. */
void lay_values(const Work& w, int64_t tile, int64_t end) {
  uint16_t* to = w.values;
  int64_t row = 2 * w.size;
  for (int64_t at = tile; at < end; at += PAGE, to += PAGE / 2 * row) {
    const uint16_t* page = w.a.kv.value_page(w.job.pages[at / PAGE], w.job.kv_head);
    int64_t count = std::min(PAGE, end - at);
    std::memcpy(to, page, static_cast<size_t>((count + 1) / 2 * row) * 2);
    if (count % 2 != 0) {
      for (uint16_t* odd = to + count / 2 * row + 1; odd < to + (count / 2 + 1) * row; odd += 2) {
        *odd = 0;
      }
    }
    std::memset(to + (count + 1) / 2 * row, 0, static_cast<size_t>((PAGE - count) / 2 * row) * 2);
  }
  if ((to - w.values) % (DEPTH / 2 * row) != 0) {
    std::memset(to, 0, static_cast<size_t>(PAGE / 2 * row) * 2);
  }
}

/* Scores of a block against PAGES pages, each in tile 0, 1, 2, 3. */
template <int PAGES>
void score(const Work& w, const Block& b, int64_t tile, int64_t page) {
  const uint16_t* q = w.queries + b.first * 2 * w.size;
  const uint16_t* rest = q + ATTENTION_BLOCK * w.size;
  const uint16_t* keys[PAGES];
  for (int p = 0; p < PAGES; p++) {
    keys[p] = w.a.kv.key_page(w.job.pages[tile / PAGE + page + p], w.job.kv_head);
  }
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t d = 0; d < w.size; d += DEPTH) {
    _tile_loadd(4, q + d, w.size * 2);
    _tile_loadd(5, rest + d, w.size * 2);
    _tile_loadd(6, keys[0] + d * PAGE, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(0, 5, 6);
    if constexpr (PAGES > 1) {
      _tile_loadd(7, keys[1] + d * PAGE, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(1, 5, 7);
    }
    if constexpr (PAGES > 2) {
      _tile_loadd(6, keys[2] + d * PAGE, 64);
      _tile_dpbf16ps(2, 4, 6);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (PAGES > 3) {
      _tile_loadd(7, keys[3] + d * PAGE, 64);
      _tile_dpbf16ps(3, 4, 7);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  float* to = w.scores + page * PAGE;
  _tile_stored(0, to, ATTENTION_TILE * 4);
  if constexpr (PAGES > 1) {
    _tile_stored(1, to + PAGE, ATTENTION_TILE * 4);
  }
  if constexpr (PAGES > 2) {
    _tile_stored(2, to + 2 * PAGE, ATTENTION_TILE * 4);
  }
  if constexpr (PAGES > 3) {
    _tile_stored(3, to + 3 * PAGE, ATTENTION_TILE * 4);
  }
}

void score_pages(const Work& w, const Block& b, int64_t tile, int64_t from, int64_t to) {
  int64_t page = from;
  for (; page + 4 <= to; page += 4) {
    score<4>(w, b, tile, page);
  }
  switch (to - page) {
    case 3: return score<3>(w, b, tile, page);
    case 2: return score<2>(w, b, tile, page);
    case 1: return score<1>(w, b, tile, page);
  }
}

/* 2^t to 3e-6, t from the scores' distance to the highest; 0 for what no normal float holds, by a mask, since
 * the instruction takes a hundred times as long for it. NaN stays. */
inline __m512 power_of_two(__m512 t) {
  constexpr int FLOOR = 1;
  __mmask16 normal = _mm512_cmp_ps_mask(t, _mm512_set1_ps(-126), _CMP_NLT_UQ);
  __m512 rest = _mm512_reduce_ps(t, FLOOR);
  __m512 p = _mm512_fmadd_ps(rest, _mm512_set1_ps(1.3426853e-2f), _mm512_set1_ps(5.2242204e-2f));
  p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(2.4128033e-1f));
  p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(6.9304483e-1f));
  p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(1.0f));
  return _mm512_maskz_scalef_ps(normal, p, t);
}

/* Lanes from i on whose offset lies in [from, to). */
inline __mmask16 lanes_within(int64_t i, int64_t from, int64_t to) {
  uint32_t low = 0xFFFFu << std::clamp<int64_t>(from - i, 0, 16);
  uint32_t high = 0xFFFFu << std::clamp<int64_t>(to - i, 0, 16);
  return static_cast<__mmask16>(low & ~high);
}

/* Scores of [from, to) of a tile, whole products, to shares, and sums so far to what they are beside them. */
void weigh(const Work& w, const Block& b, int64_t tile, int64_t from, int64_t to) {
  const __m512 nothing = _mm512_set1_ps(NOTHING);
  alignas(64) float tops[ATTENTION_BLOCK];
  uint32_t blind = 0; /* vectors that see nothing here */
  __m512 before = _mm512_load_ps(w.highest + b.first);
  _mm512_store_ps(tops, before);
  int64_t group = w.a.group();
  int64_t position = w.job.position_of(w.a, b.first);
  int64_t head = b.first % group;
  for (int64_t v = 0; v < b.count; v++) {
    float* scores = w.scores + v * ATTENTION_TILE;
    int64_t begin = w.a.first_seen(position) - tile;
    int64_t end = position + 1 - tile;
    __m512 top = _mm512_set1_ps(tops[v]);
    if (begin <= from && end >= to) {
      for (int64_t i = from; i < to; i += 16) {
        top = _mm512_max_ps(_mm512_load_ps(scores + i), top); /* the second one beside a NaN */
      }
    } else {
      blind |= static_cast<uint32_t>(end <= from || begin >= to) << v;
      for (int64_t i = from; i < to; i += 16) {
        __m512 seen = _mm512_mask_load_ps(nothing, lanes_within(i, begin, end), scores + i);
        _mm512_store_ps(scores + i, seen);
        top = _mm512_max_ps(seen, top);
      }
    }
    tops[v] = _mm512_reduce_max_ps(top);
    if (++head == group) {
      head = 0;
      position++;
    }
  }
  __m512 now = _mm512_load_ps(tops);
  _mm512_store_ps(w.highest + b.first, now);
  __mmask16 moved = _mm512_cmp_ps_mask(before, now, _CMP_NEQ_UQ);
  alignas(64) float kept[ATTENTION_BLOCK];
  _mm512_store_ps(kept, _mm512_mask_blend_ps(moved, _mm512_set1_ps(1), power_of_two(_mm512_sub_ps(before, now))));
  if ((moved & _mm512_cmp_ps_mask(before, nothing, _CMP_NEQ_UQ)) != 0) {
    for (int64_t v = 0; v < b.count; v++) {
      __m512 factor = _mm512_set1_ps(kept[v]);
      float* sums = w.sums + (b.first + v) * w.size;
      for (int64_t d = 0; d < w.size; d += 16) {
        _mm512_store_ps(sums + d, _mm512_mul_ps(_mm512_load_ps(sums + d), factor));
      }
    }
  }
  for (int64_t v = 0; v < b.count; v++) {
    const float* scores = w.scores + v * ATTENTION_TILE;
    uint16_t* shares = w.shares + v * ATTENTION_TILE;
    if ((blind >> v & 1) != 0) {
      std::fill(shares + from, shares + to, uint16_t{0});
      continue;
    }
    float* totals = w.totals + (b.first + v) * 16;
    __m512 total = _mm512_mul_ps(_mm512_load_ps(totals), _mm512_set1_ps(kept[v]));
    __m512 top = _mm512_set1_ps(tops[v]);
    for (int64_t i = from; i < to; i += DEPTH) {
      __m512 low = power_of_two(_mm512_sub_ps(_mm512_load_ps(scores + i), top));
      __m512 high = power_of_two(_mm512_sub_ps(_mm512_load_ps(scores + i + 16), top));
      total = _mm512_add_ps(total, _mm512_add_ps(low, high));
      _mm512_store_si512(shares + i, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low)));
    }
    _mm512_store_ps(totals, total);
  }
}

/* Adds what a block takes of the values of [from, to), whole products: 16 coordinates in each tile. */
template <int TILES>
void gather(const Work& w, const Block& b, int64_t d, int64_t from, int64_t to) {
  float* sums = w.sums + b.first * w.size + d;
  int64_t row = w.size * 4;
  _tile_loadd(0, sums, row);
  _tile_loadd(1, sums + 16, row);
  if constexpr (TILES > 2) {
    _tile_loadd(2, sums + 32, row);
    _tile_loadd(3, sums + 48, row);
  }
  for (int64_t p = from; p < to; p += DEPTH) {
    const uint16_t* values = w.values + p * w.size + 2 * d;
    _tile_loadd(4, w.shares + p, ATTENTION_TILE * 2);
    _tile_loadd(6, values, row);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, values + 32, row);
    _tile_dpbf16ps(1, 4, 7);
    if constexpr (TILES > 2) {
      _tile_loadd(6, values + 64, row);
      _tile_dpbf16ps(2, 4, 6);
      _tile_loadd(7, values + 96, row);
      _tile_dpbf16ps(3, 4, 7);
    }
  }
  _tile_stored(0, sums, row);
  _tile_stored(1, sums + 16, row);
  if constexpr (TILES > 2) {
    _tile_stored(2, sums + 32, row);
    _tile_stored(3, sums + 48, row);
  }
}

/* A block against the tile whose values lie ready; pages that no vector of the block sees are passed over. */
void attend(const Work& w, const Block& b, int64_t tile) {
  int64_t begin = std::max(b.begin - tile, int64_t{0}) / DEPTH * DEPTH;
  int64_t end = std::min(b.end - tile, ATTENTION_TILE);
  int64_t whole = (end + DEPTH - 1) / DEPTH * DEPTH;
  score_pages(w, b, tile, begin / PAGE, (end + PAGE - 1) / PAGE);
  weigh(w, b, tile, begin, whole);
  written();
  int64_t d = 0;
  for (; d + 64 <= w.size; d += 64) {
    gather<4>(w, b, d, begin, whole);
  }
  if (d < w.size) {
    gather<2>(w, b, d, begin, whole);
  }
}

void write_result(const Work& w, int64_t vector, int64_t element) {
  uint16_t* out = static_cast<uint16_t*>(w.a.out) + element;
  const float* sums = w.sums + vector * w.size;
  __m512 share = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(_mm512_load_ps(w.totals + vector * 16)));
  for (int64_t d = 0; d < w.size; d += 16) {
    store_halves(out + d, narrowed(_mm512_mul_ps(_mm512_load_ps(sums + d), share)));
  }
}

Work laid_out(const Attention& a, const AttentionJob& job, float* scratch) {
  int64_t size = a.kv.head_size;
  int64_t vectors = (job.vectors(a) + ATTENTION_BLOCK - 1) / ATTENTION_BLOCK * ATTENTION_BLOCK;
  float* sums = scratch;
  float* totals = sums + vectors * size;
  float* highest = totals + vectors * 16;
  float* scores = highest + vectors;
  uint16_t* queries = reinterpret_cast<uint16_t*>(scores + ATTENTION_BLOCK * ATTENTION_TILE);
  uint16_t* values = queries + 2 * vectors * size;
  uint16_t* shares = values + ATTENTION_TILE * size;
  std::fill(sums, totals, 0.0f);
  std::fill(totals, highest, 0.0f);
  std::fill(highest, scores, NOTHING);
  return {a, job, size, job.vectors(a), sums, totals, highest, scores, queries, values, shares};
}

}  // namespace

void attention_amx(const Attention& a, const AttentionJob& job, float* scratch) {
  if (!a.out_bf16 || a.kv.head_size % DEPTH != 0) {
    attention_avx512(a, job, scratch);
    return;
  }
  Work w = laid_out(a, job, scratch);
  each_vector(w, [&](int64_t vector, int64_t element) { read_query(w, vector, element); });
  written();
  int rows = static_cast<int>(std::min(ATTENTION_BLOCK, w.vectors));
  configure(rows, rows);
  int64_t end = job.position + job.rows;
  for (int64_t tile = a.first_seen(job.position) / ATTENTION_TILE * ATTENTION_TILE; tile < end;
       tile += ATTENTION_TILE) {
    lay_values(w, tile, std::min(end, tile + ATTENTION_TILE));
    for (int64_t first = 0; first < w.vectors; first += ATTENTION_BLOCK) {
      int64_t count = std::min(ATTENTION_BLOCK, w.vectors - first);
      Block b{first, count, a.first_seen(job.position_of(a, first)), job.position_of(a, first + count - 1) + 1};
      if (b.begin < tile + ATTENTION_TILE && b.end > tile) {
        attend(w, b, tile);
      }
    }
  }
  _tile_release();
  each_vector(w, [&](int64_t vector, int64_t element) { write_result(w, vector, element); });
}

}  // namespace openlora
