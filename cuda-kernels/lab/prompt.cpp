/* A prompt's 512 rows times weights that come from memory, on one thread: what stands between the tile unit's speed and
 * the product's. Rows lie in tiles already, weights in strips of 16 columns; what comes out is bf16. Every version is
 * checked after it is timed. Usage: prompt [rows] */
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "bf16.h"
#include "lab.h"

using openlora::narrow;
using openlora::widen;

namespace {

#define AMX __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16,amx-tile,amx-bf16")))

constexpr int64_t K = 896, COLUMNS = 38400; /* 69 MB of weights */
constexpr int64_t WIDTH = 4800;             /* of the result, whose columns are written again and again */
constexpr int64_t TILE = 512, FLOATS = 256;

/* x: [parts of k][rows / 32][depth / 32][32][32]; w: [columns / 16][k / 2][16][2] */
struct Product {
  const uint16_t* x;
  const uint16_t* w;
  uint16_t* out;
  float* sums; /* [2][rows / 32][2][3][16][16] */
  int64_t rows, depth;
};

enum class Finish { NEVER, AFTER, BESIDE };

/* What is left to do of some strips. */
struct Left {
  const float* sums = nullptr;
  uint16_t* out = nullptr;
  int64_t done = 0, rows = 0;
};

template <int STRIPS>
AMX inline void some(Left& left, int64_t rows) {
  for (int64_t to = std::min(left.rows, left.done + rows); left.done < to; left.done++) {
    const float* from = left.sums + left.done / 16 * (3 * FLOATS) + left.done % 16 * 16;
    for (int s = 0; s < STRIPS; s++) {
      __m256i narrowed = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_load_ps(from + s * FLOATS)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(left.out + left.done * WIDTH + s * 16), narrowed);
    }
  }
}

/* Tile numbers are part of the instructions. */
#define LOAD_TILE(streamed, tile, from) \
  if (streamed) {                       \
    _tile_stream_loadd(tile, from, 64); \
  } else {                              \
    _tile_loadd(tile, from, 64);        \
  }

template <int STRIPS, bool STREAMED>
AMX inline void load_sums(const float* sums) {
  LOAD_TILE(STREAMED, 0, sums);
  LOAD_TILE(STREAMED, 1, sums + FLOATS);
  LOAD_TILE(STREAMED, 3, sums + 3 * FLOATS);
  LOAD_TILE(STREAMED, 4, sums + 4 * FLOATS);
  if (STRIPS == 3) {
    LOAD_TILE(STREAMED, 2, sums + 2 * FLOATS);
    LOAD_TILE(STREAMED, 5, sums + 5 * FLOATS);
  }
}

template <int STRIPS>
AMX inline void store_sums(float* sums) {
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + FLOATS, 64);
  _tile_stored(3, sums + 3 * FLOATS, 64);
  _tile_stored(4, sums + 4 * FLOATS, 64);
  if (STRIPS == 3) {
    _tile_stored(2, sums + 2 * FLOATS, 64);
    _tile_stored(5, sums + 5 * FLOATS, 64);
  }
}

/* Two tiles of rows times two or three strips; x in tile 6, w in 7. */
template <int STRIPS, bool STREAMED>
AMX inline void step(const uint16_t* x, const uint16_t* w) {
  LOAD_TILE(STREAMED, 6, x);
  _tile_loadd(7, w, 64);
  _tile_dpbf16ps(0, 6, 7);
  _tile_loadd(7, w + 16 * K, 64);
  _tile_dpbf16ps(1, 6, 7);
  if (STRIPS == 3) {
    _tile_loadd(7, w + 32 * K, 64);
    _tile_dpbf16ps(2, 6, 7);
  }
  LOAD_TILE(STREAMED, 6, x + TILE);
  if (STRIPS == 3) {
    _tile_dpbf16ps(5, 6, 7);
    _tile_loadd(7, w + 16 * K, 64);
  }
  _tile_dpbf16ps(4, 6, 7);
  _tile_loadd(7, w, 64);
  _tile_dpbf16ps(3, 6, 7);
}

template <int STRIPS, bool STREAMED, Finish FINISH>
AMX void multiply(const Product& p) {
  const int64_t blocks = p.rows / 32;
  Left left;
  int64_t turn = 0;
  for (int64_t strip = 0; strip + STRIPS <= COLUMNS / 16; strip += STRIPS, turn++) {
    const uint16_t* x = p.x;
    const uint16_t* strips = p.w + strip * 16 * K;
    float* sums = p.sums + turn % 2 * blocks * 6 * FLOATS;
    for (int64_t k = 0; k < K; k += p.depth) {
      const int64_t steps = blocks * p.depth / 32;
      const int64_t lines = (p.depth / 2 + steps - 1) / steps;
      const uint16_t* next = strips + (k + p.depth < K ? (k + p.depth) * 16 : STRIPS * 16 * K);
      for (int64_t block = 0; block < blocks; block++) {
        float* of_block = sums + block * 6 * FLOATS;
        if (k == 0) {
          _tile_zero(0);
          _tile_zero(1);
          _tile_zero(2);
          _tile_zero(3);
          _tile_zero(4);
          _tile_zero(5);
        } else {
          load_sums<STRIPS, STREAMED>(of_block);
        }
        for (int64_t i = 0; i < p.depth; i += 32, x += 2 * TILE) {
          step<STRIPS, STREAMED>(x, strips + (k + i) * 16);
          for (int64_t line = 0; line < lines; line++, next += 32) {
            for (int s = 0; s < STRIPS; s++) {
              _mm_prefetch(reinterpret_cast<const char*>(next + s * 16 * K), _MM_HINT_T1);
            }
          }
          if (FINISH == Finish::BESIDE) {
            some<STRIPS>(left, 2);
          }
        }
        store_sums<STRIPS>(of_block);
      }
    }
    some<STRIPS>(left, FINISH == Finish::BESIDE ? p.rows : 0);
    left = {sums, p.out + strip * 16 % WIDTH, 0, p.rows};
    some<STRIPS>(left, FINISH == Finish::AFTER ? p.rows : 0);
  }
  some<STRIPS>(left, FINISH == Finish::NEVER ? 0 : p.rows);
}

struct Version {
  const char* name;
  int strips;
  int64_t depth;
  void (*multiply)(const Product&);
};

const Version VERSIONS[] = {
    {"3 strips, 224 deep, sums never written", 3, 224, multiply<3, false, Finish::NEVER>},
    {"3 strips, 224 deep, finished after", 3, 224, multiply<3, false, Finish::AFTER>},
    {"2 strips, 224 deep, finished after", 2, 224, multiply<2, false, Finish::AFTER>},
    {"2 strips, 448 deep, finished after", 2, 448, multiply<2, false, Finish::AFTER>},
    {"2 strips, 448 deep, x streamed, after", 2, 448, multiply<2, true, Finish::AFTER>},
    {"2 strips, 448 deep, x streamed, beside", 2, 448, multiply<2, true, Finish::BESIDE>},
    {"2 strips, 448 deep, x streamed, never", 2, 448, multiply<2, true, Finish::NEVER>},
};

AMX void configure() {
  struct alignas(64) {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {};
    uint8_t rows[16] = {};
  } config;
  std::fill_n(config.bytes, 8, 64);
  std::fill_n(config.rows, 8, 16);
  asm volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

/* Products of tiles that lie in the first cache: what the unit can do. */
AMX double peak(const uint16_t* tiles) {
  double best = 1e9;
  for (int pass = 0; pass < 5; pass++) {
    double start = lab::seconds();
    for (int i = 0; i < 100000; i++) {
      step<2, false>(tiles, tiles);
    }
    best = std::fmin(best, lab::seconds() - start);
  }
  return 4 * 32768 / 2 * 1e5 / best * 1e-12;
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t rows = argc > 1 ? std::atol(argv[1]) / 32 * 32 : 512;
  if (rows < 32 || syscall(SYS_arch_prctl, 0x1023, 18) != 0) {
    std::puts("not on this CPU, or fewer than 32 rows");
    return 1;
  }
  lab::print_machine();
  configure();
  lab::Random random(1);
  std::vector<float> plain(static_cast<size_t>(rows * K));
  for (float& value : plain) {
    value = widen(narrow(random.next()));
  }
  uint16_t* w = lab::memory<uint16_t>(static_cast<size_t>((COLUMNS + 64) * K));
  for (int64_t i = 0; i < (COLUMNS + 64) * K; i++) {
    w[i] = narrow(random.next());
  }
  Product p{nullptr, w, lab::memory<uint16_t>(static_cast<size_t>(rows * WIDTH)),
            lab::memory<float>(static_cast<size_t>(rows / 32 * 12 * FLOATS)), rows, 0};
  uint16_t* x = lab::memory<uint16_t>(static_cast<size_t>(rows * K));
  p.x = x;
  std::printf("tiles in the first cache: %.2f TFLOP/s; %ld rows, one thread:\n", peak(w), rows);
  for (const Version& version : VERSIONS) {
    p.depth = version.depth;
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t k = 0; k < K; k++) {
        int64_t part = k / p.depth * p.depth;
        int64_t tile = part * rows + (row / 32 * (p.depth / 32) + (k - part) / 32) * 2 * TILE;
        x[tile + row % 32 * 32 + k % 32] = narrow(plain[static_cast<size_t>(row * K + k)]);
      }
    }
    std::vector<double> times;
    for (int pass = 0; pass < 7; pass++) {
      double start = lab::seconds();
      version.multiply(p);
      times.push_back(lab::seconds() - start);
    }
    std::sort(times.begin(), times.end());
    bool right = true;
    for (int64_t i = 0; i < 200 && std::string_view(version.name).find("never") == std::string_view::npos; i++) {
      int64_t row = i * 37 % rows, column = COLUMNS - WIDTH + i * 191 % WIDTH;
      double sum = 0;
      for (int64_t k = 0; k < K; k++) {
        sum += static_cast<double>(plain[static_cast<size_t>(row * K + k)]) *
               widen(w[(column / 16 * (K / 2) + k / 2) * 32 + column % 16 * 2 + k % 2]);
      }
      right = right && std::fabs(widen(p.out[row * WIDTH + column % WIDTH]) - sum) < 0.01 * std::fabs(sum) + 0.01;
    }
    double operations = 2.0 * static_cast<double>(rows * K * (COLUMNS / 16 / version.strips * version.strips * 16));
    std::printf("  %-40s %s %5.2f TFLOP/s\n", version.name, right ? "" : "WRONG", operations / times[3] * 1e-12);
  }
  return 0;
}
