/* Weights times M rows, from naive to shipped: which step brought what. Every version multiplies by the
 * same 0.77 GB of weights, the layers of a 0.5B model, so that no cache holds them; each is checked
 * before it is timed. One thread is timed by its own clock, which stands still while others have the core;
 * two by the wall's. Usage: gemm [seconds per point] [rows ...] */
#include <immintrin.h>

#include <cmath>
#include <vector>

#include "bf16.h"
#include "lab.h"
#include "openlora_cpu.h"
#include "pool.h"

using openlora::narrow;
using openlora::Pool;
using openlora::widen;

namespace {

/* Columns [from, to) in panels of 32 of out[m][n] = x[m][k] w[n][k]^T; all sizes are multiples of 32. */
struct Product {
  const uint16_t* w;
  const uint16_t* x;
  float* out;
  int64_t m, n, k;
};

using Kernel = void (*)(const Product&, int64_t from, int64_t to);

/* As the file stores it: [n][k], one dot product after the other. */
void naive(const Product& p, int64_t from, int64_t to) {
  for (int64_t row = 0; row < p.m; row++) {
    for (int64_t c = from * 32; c < to * 32; c++) {
      float sum = 0;
      for (int64_t i = 0; i < p.k; i++) {
        sum += widen(p.x[row * p.k + i]) * widen(p.w[c * p.k + i]);
      }
      p.out[row * p.n + c] = sum;
    }
  }
}

/* From here on weights are packed, in panels [n / 32][k / 2][32][2] or in strips [n / 16][k / 2][16][2]. */
enum class Layout { stored, panels, strips };

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")))
#define AMX \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,prefer-vector-width=512")))

/* Columns in lanes, so that nothing is summed across them; bf16 widened, one row at a time. */
AVX512 void panel_f32(const Product& p, int64_t from, int64_t to) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xFFFF0000u));
  for (int64_t panel = from; panel < to; panel++) {
    for (int64_t row = 0; row < p.m; row++) {
      __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
      const uint16_t* w = p.w + panel * p.k * 32;
      for (int64_t k = 0; k < p.k; k += 2, w += 64) {
        __m512 even = _mm512_set1_ps(widen(p.x[row * p.k + k]));
        __m512 odd = _mm512_set1_ps(widen(p.x[row * p.k + k + 1]));
        for (int half = 0; half < 2; half++) {
          __m512i pairs = _mm512_load_si512(w + 32 * half);
          sums[half] = _mm512_fmadd_ps(even, _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)), sums[half]);
          sums[half] = _mm512_fmadd_ps(odd, _mm512_castsi512_ps(_mm512_and_si512(pairs, upper)), sums[half]);
        }
      }
      _mm512_storeu_ps(p.out + row * p.n + panel * 32, sums[0]);
      _mm512_storeu_ps(p.out + row * p.n + panel * 32 + 16, sums[1]);
    }
  }
}

/* ROWS rows x 32 columns in registers; a pair of k per instruction. */
template <int ROWS, int AHEAD>
AVX512 void tile(const Product& p, int64_t row, int64_t panel) {
  __m512 left[ROWS], right[ROWS];
  for (int r = 0; r < ROWS; r++) {
    left[r] = _mm512_setzero_ps();
    right[r] = _mm512_setzero_ps();
  }
  const uint16_t* w = p.w + panel * p.k * 32;
  const uint16_t* x = p.x + row * p.k;
  for (int64_t k = 0; k < p.k; k += 2, w += 64) {
    if (AHEAD > 0) {
      _mm_prefetch(reinterpret_cast<const char*>(w) + AHEAD, _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(w) + AHEAD + 64, _MM_HINT_T0);
    }
    __m512bh w0 = reinterpret_cast<__m512bh>(_mm512_load_si512(w));
    __m512bh w1 = reinterpret_cast<__m512bh>(_mm512_load_si512(w + 32));
    for (int r = 0; r < ROWS; r++) {
      int32_t pair;
      std::memcpy(&pair, x + r * p.k + k, sizeof pair);
      __m512bh both = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
      left[r] = _mm512_dpbf16_ps(left[r], both, w0);
      right[r] = _mm512_dpbf16_ps(right[r], both, w1);
    }
  }
  for (int r = 0; r < ROWS; r++) {
    _mm512_storeu_ps(p.out + (row + r) * p.n + panel * 32, left[r]);
    _mm512_storeu_ps(p.out + (row + r) * p.n + panel * 32 + 16, right[r]);
  }
}

template <int ROWS, int AHEAD>
void tiles(const Product& p, int64_t from, int64_t to) {
  for (int64_t panel = from; panel < to; panel++) {
    int64_t row = 0;
    for (; row + ROWS <= p.m; row += ROWS) {
      tile<ROWS, AHEAD>(p, row, panel);
    }
    for (; row + 4 <= p.m; row += 4) {
      tile<4, AHEAD>(p, row, panel);
    }
    for (; row < p.m; row++) {
      tile<1, AHEAD>(p, row, panel);
    }
  }
}

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/* Sums in tiles 0..3; 16 or 32 rows against 32 columns: of a panel, whose lines are of either tile in turn, or of two
 * strips. */
template <Layout LAYOUT, int AHEAD, bool TWO>
AMX void amx_block(const Product& p, int64_t row, int64_t panel) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  constexpr bool STRIPS = LAYOUT == Layout::strips;
  constexpr int64_t LINE = STRIPS ? 64 : 128;
  const uint16_t* w = p.w + panel * p.k * 32;
  const uint16_t* x = p.x + row * p.k;
  const int64_t right = STRIPS ? p.k * 16 : 32;
  for (int64_t k = 0; k < p.k; k += 32, w += STRIPS ? 16 * 32 : 32 * 32) {
    if (AHEAD > 0) {
      for (int64_t line = 0; line < 16; line++) {
        _mm_prefetch(reinterpret_cast<const char*>(w) + AHEAD + LINE * line, _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(w + right) + AHEAD + LINE * line, _MM_HINT_T0);
      }
    }
    _tile_loadd(6, w, LINE);
    _tile_loadd(7, w + right, LINE);
    _tile_loadd(4, x + k, p.k * 2);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (TWO) {
      _tile_loadd(5, x + 16 * p.k + k, p.k * 2);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  float* out = p.out + row * p.n + panel * 32;
  _tile_stored(0, out, p.n * 4);
  _tile_stored(1, out + 16, p.n * 4);
  if (TWO) {
    _tile_stored(2, out + 16 * p.n, p.n * 4);
    _tile_stored(3, out + 16 * p.n + 16, p.n * 4);
  }
}

template <Layout LAYOUT, int AHEAD, bool TWO>
AMX void amx(const Product& p, int64_t from, int64_t to) {
  TileConfig config;
  config.rows[0] = config.rows[1] = config.rows[4] = static_cast<uint8_t>(p.m < 16 ? p.m : 16);
  asm volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
  for (int64_t panel = from; panel < to; panel++) {
    int64_t row = 0;
    if (TWO) {
      for (; row + 32 <= p.m; row += 32) {
        amx_block<LAYOUT, AHEAD, true>(p, row, panel);
      }
    }
    for (; row < p.m; row += 16) {
      amx_block<LAYOUT, AHEAD, false>(p, row, panel);
    }
  }
  _tile_release();
}

struct Version {
  const char* name;
  int32_t isa;      /* what it needs */
  Layout layout;
  Kernel kernel;    /* null: the shipped one of that instruction set */
  int64_t most;     /* rows beyond which it would only take long */
};

const Version VERSIONS[] = {
    {"naive dot products", OL_AVX2, Layout::stored, naive, 16},
    {"shipped, AVX2", OL_AVX2, Layout::strips, nullptr, 512},
    {"panels, f32 multiply-add", OL_AVX512_BF16, Layout::panels, panel_f32, 64},
    {"panels, vdpbf16ps, 1 row", OL_AVX512_BF16, Layout::panels, tiles<1, 0>, 64},
    {"4 x 32 tile", OL_AVX512_BF16, Layout::panels, tiles<4, 0>, 512},
    {"12 x 32 tile", OL_AVX512_BF16, Layout::panels, tiles<12, 0>, 512},
    {"12 x 32 tile, prefetch 1 KiB", OL_AVX512_BF16, Layout::panels, tiles<12, 1024>, 512},
    {"shipped, AVX-512", OL_AVX512_BF16, Layout::strips, nullptr, 512},
    {"AMX 1 x 2 tiles", OL_AMX_BF16, Layout::panels, amx<Layout::panels, 0, false>, 512},
    {"AMX 2 x 2 tiles", OL_AMX_BF16, Layout::panels, amx<Layout::panels, 0, true>, 512},
    {"AMX 2 x 2, prefetch 4 KiB", OL_AMX_BF16, Layout::panels, amx<Layout::panels, 4096, true>, 512},
    {"AMX 2 x 2, prefetch 1 KiB", OL_AMX_BF16, Layout::panels, amx<Layout::panels, 1024, true>, 512},
    {"AMX 2 x 2, strips", OL_AMX_BF16, Layout::strips, amx<Layout::strips, 0, true>, 512},
    {"AMX 2 x 2, strips, prefetch 4 KiB", OL_AMX_BF16, Layout::strips, amx<Layout::strips, 4096, true>, 512},
    {"AMX 2 x 2, strips, prefetch 512 B", OL_AMX_BF16, Layout::strips, amx<Layout::strips, 512, true>, 512},
    {"shipped, AMX", OL_AMX_BF16, Layout::strips, nullptr, 512},
};

struct Matrix {
  int64_t n, k;
  const uint16_t* w;
};

/* q, k and v together, o, gate and up together, down; then the head. */
std::vector<Matrix> model() {
  std::vector<Matrix> all;
  for (int layer = 0; layer < 24; layer++) {
    all.insert(all.end(), {{1152, 896, nullptr}, {896, 896, nullptr}, {9728, 896, nullptr}, {896, 4864, nullptr}});
  }
  all.push_back({32000, 896, nullptr});
  lab::Random random(1);
  uint16_t some[8191];
  for (uint16_t& value : some) {
    value = narrow(random.next());
  }
  size_t at = 0;
  for (Matrix& matrix : all) {
    size_t count = static_cast<size_t>(matrix.n * matrix.k);
    uint16_t* w = lab::memory<uint16_t>(count + 4096);
    for (size_t i = 0; i < count; i++) {
      w[i] = some[at++ % 8191];
    }
    matrix.w = w;
  }
  return all;
}

class Bench {
 public:
  Bench(int threads, double seconds) : matrices_(model()), seconds_(seconds) {
    lab::Random random(2);
    for (int64_t i = 0; i < 512 * 4864; i++) {
      x_[i] = narrow(random.next());
    }
    set_threads(threads);
  }

  void set_threads(int threads) {
    delete pool_;
    pool_ = new Pool(threads, 50'000);
    threads_ = threads;
  }

  double gigabytes() const {
    double bytes = 0;
    for (const Matrix& matrix : matrices_) {
      bytes += 2.0 * static_cast<double>(matrix.n * matrix.k);
    }
    return bytes * 1e-9;
  }

  /* Seconds for reading all weights and doing nothing with them. */
  double read() {
    uint64_t total = 0;
    double best = 1e9;
    for (int pass = 0; pass < 3; pass++) {
      double start = now();
      for (const Matrix& matrix : matrices_) {
        auto body = [&](int thread, int threads) {
          int64_t lines = matrix.n * matrix.k / 32;
          uint64_t sum = touch(matrix.w, lines * thread / threads, lines * (thread + 1) / threads);
          __atomic_fetch_add(&total, sum, __ATOMIC_RELAXED);
        };
        pool_->run(body);
      }
      best = std::fmin(best, now() - start);
    }
    return total == 42 ? 0 : best;
  }

  /* Seconds for one pass, or less than 0 when the answer is wrong. Long ones run a part of a pass. */
  double pass(const Version& version, int64_t m) {
    ol_context* context = nullptr;
    if (version.kernel == nullptr && ol_open(&context, threads_, version.isa, 50'000) != OL_OK) {
      return -1;
    }
    double result = right(version, context, m) ? timed(version, context, m) : -1;
    ol_close(context);
    return result;
  }

 private:
  double now() const { return lab::seconds(threads_ == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC); }

  AVX2 static uint64_t touch(const uint16_t* w, int64_t from, int64_t to) {
    __m256i sums[4] = {};
    for (int64_t line = from; line < to; line++) {
      const __m256i* at = reinterpret_cast<const __m256i*>(w + line * 32);
      sums[line % 2] = _mm256_xor_si256(sums[line % 2], _mm256_load_si256(at));
      sums[2 + line % 2] = _mm256_xor_si256(sums[2 + line % 2], _mm256_load_si256(at + 1));
    }
    uint64_t words[16];
    std::memcpy(words, sums, sizeof words);
    uint64_t sum = 0;
    for (uint64_t word : words) {
      sum ^= word;
    }
    return sum;
  }

  void run(const Version& version, ol_context* context, const Matrix& matrix, int64_t m) {
    if (version.kernel == nullptr) {
      ol_product product{{out_, matrix.n, OL_F32}, matrix.n, {matrix.w, OL_BF16, nullptr, {nullptr, 0}}};
      ol_linear(context, &product, 1, x_, matrix.k, m, matrix.k);
      return;
    }
    Product p{matrix.w, x_, out_, m, matrix.n, matrix.k};
    auto body = [&](int thread, int threads) {
      int64_t panels = matrix.n / 32;
      version.kernel(p, panels * thread / threads, panels * (thread + 1) / threads);
    };
    pool_->run(body);
  }

  bool right(const Version& version, ol_context* context, int64_t m) {
    const Matrix& matrix = matrices_[0];
    run(version, context, matrix, m);
    const int64_t width = version.layout == Layout::strips ? 16 : 32;
    for (int64_t i = 0; i < 200; i++) {
      int64_t row = i * 7 % m, c = i * 131 % matrix.n;
      double sum = 0;
      for (int64_t k = 0; k < matrix.k; k++) {
        int64_t packed = ((c / width * (matrix.k / 2) + k / 2) * width + c % width) * 2 + k % 2;
        int64_t at = version.layout == Layout::stored ? c * matrix.k + k : packed;
        sum += static_cast<double>(widen(x_[row * matrix.k + k])) * widen(matrix.w[at]);
      }
      if (!(std::fabs(out_[row * matrix.n + c] - sum) < 1e-3)) {
        return false;
      }
    }
    return true;
  }

  double timed(const Version& version, ol_context* context, int64_t m) {
    double best = 1e9, spent = 0;
    while (spent < seconds_) {
      double start = now();
      double done = 0, weights = 0;
      for (const Matrix& matrix : matrices_) {
        weights += static_cast<double>(matrix.n * matrix.k);
        if (done == 0 || now() - start < 4 * seconds_) {
          run(version, context, matrix, m);
          done += static_cast<double>(matrix.n * matrix.k);
        }
      }
      double took = now() - start;
      spent += took;
      best = std::fmin(best, took * weights / done);
    }
    return best;
  }

  std::vector<Matrix> matrices_;
  double seconds_;
  int threads_ = 1;
  Pool* pool_ = nullptr;
  uint16_t* x_ = lab::memory<uint16_t>(512 * 4864);
  float* out_ = lab::memory<float>(512 * 32000);
};

}  // namespace

int main(int count, char** arguments) {
  double seconds = count > 1 ? std::atof(arguments[1]) : 0.5;
  std::vector<int64_t> rows;
  for (int i = 2; i < count; i++) {
    rows.push_back(std::atoll(arguments[i]));
  }
  if (rows.empty()) {
    rows = {1, 8, 16, 32, 64, 512};
  }
  for (int64_t m : rows) {
    if (m < 1 || m > 512 || (m > 16 && m % 16 != 0)) {
      std::fprintf(stderr, "rows: %ld (expected: 1 to 16, or a multiple of 16 up to 512)\n", m);
      return 1;
    }
  }
  lab::print_machine();
  int32_t machine = ol_machine();
  Bench bench(1, seconds);
  for (int threads = 1; threads <= 2; threads++) {
    bench.set_threads(threads);
    std::printf("\n%d thread%s; reading %.3f GB of weights: %.1f GB/s. Cells: ms, GB/s, GFLOP/s\n\n| M |", threads,
                threads > 1 ? "s" : "", bench.gigabytes(), bench.gigabytes() / bench.read());
    for (int64_t m : rows) {
      std::printf(" %ld |", m);
    }
    std::printf("\n|---|");
    for (size_t i = 0; i < rows.size(); i++) {
      std::printf("---|");
    }
    for (const Version& version : VERSIONS) {
      std::printf("\n| %s |", version.name);
      for (int64_t m : rows) {
        if ((machine & version.isa) == 0) {
          std::printf(" not on this CPU |");
        } else if (m > version.most) {
          std::printf(" not run |");
        } else {
          double took = bench.pass(version, m);
          if (took < 0) {
            std::printf(" WRONG |");
          } else {
            double flops = bench.gigabytes() * static_cast<double>(m);
            std::printf(" %.1f, %.1f, %.1f |", took * 1e3, bench.gigabytes() / took, flops / took);
          }
        }
        std::fflush(stdout);
      }
    }
    std::printf("\n");
  }
  return 0;
}
