/* Decoding and prefill attention, 14 heads over 2 of keys, size 64: a plain two-pass loop over keys that
 * lie [position][head][size], and the shipped one over pages. Usage: attention [seconds per point] */
#include <algorithm>
#include <cmath>
#include <vector>

#include "bf16.h"
#include "lab.h"
#include "openlora_cpu.h"
#include "pool.h"

using openlora::narrow;
using openlora::widen;

namespace {

constexpr int64_t HEADS = 14, KV_HEADS = 2, SIZE = 64, PAGE = 16, WIDTH = KV_HEADS * SIZE;
constexpr float SCALE = 0.125f;

/* Sequences of one length, the last rows of each asked for. */
struct Work {
  const char* name;
  int64_t sequences, length, rows;
};

struct Data {
  const float* q;
  const uint16_t *k, *v;
  float* out;
};

void naive(const Work& work, const Data& data, int64_t from, int64_t to) {
  std::vector<float> shares(static_cast<size_t>(work.length));
  for (int64_t job = from; job < to; job++) {
    int64_t row = job / HEADS, head = job % HEADS;
    int64_t sequence = row / work.rows, seen = work.length - work.rows + row % work.rows + 1;
    const float* q = data.q + job * SIZE;
    const uint16_t* k = data.k + sequence * work.length * WIDTH + head / (HEADS / KV_HEADS) * SIZE;
    const uint16_t* v = k - data.k + data.v;
    float highest = -INFINITY, total = 0, sums[SIZE] = {};
    for (int64_t p = 0; p < seen; p++) {
      float score = 0;
      for (int64_t d = 0; d < SIZE; d++) {
        score += q[d] * widen(k[p * WIDTH + d]);
      }
      shares[static_cast<size_t>(p)] = score * SCALE;
      highest = std::max(highest, score * SCALE);
    }
    for (int64_t p = 0; p < seen; p++) {
      float share = std::exp(shares[static_cast<size_t>(p)] - highest);
      total += share;
      for (int64_t d = 0; d < SIZE; d++) {
        sums[d] += share * widen(v[p * WIDTH + d]);
      }
    }
    for (int64_t d = 0; d < SIZE; d++) {
      data.out[job * SIZE + d] = sums[d] / total;
    }
  }
}

uint16_t bits(uint16_t*, float value) { return narrow(value); }
float bits(float*, float value) { return value; }

template <typename T>
T* random(size_t count, uint64_t seed) {
  T* values = lab::memory<T>(count);
  lab::Random random(seed);
  for (size_t i = 0; i < count; i++) {
    values[i] = bits(values, random.next());
  }
  return values;
}

template <typename Body>
double best(double seconds, Body body) {
  double fastest = 1e9, begin = lab::seconds();
  do {
    double start = lab::seconds();
    body();
    fastest = std::min(fastest, lab::seconds() - start);
  } while (lab::seconds() - begin < seconds);
  return fastest;
}

/* The shipped kernel over pages that a step before wrote. */
class Paged {
 public:
  Paged(const Work& work, const Data& data) : work_(work) {
    int64_t each = (work.length + PAGE - 1) / PAGE, all = each * work.sequences;
    size_t elements = static_cast<size_t>(ol_kv_elements(all, KV_HEADS, SIZE));
    kv_ = {lab::memory<uint16_t>(elements), lab::memory<uint16_t>(elements), KV_HEADS, SIZE};
    std::vector<int32_t> slots;
    for (int64_t s = 0; s < work.sequences; s++) {
      starts_.push_back(static_cast<int32_t>(s * work.rows));
      lengths_.push_back(static_cast<int32_t>(work.length));
      tables_.push_back(static_cast<int32_t>(s * each));
      for (int64_t p = 0; p < each; p++) {
        pages_.push_back(static_cast<int32_t>((s * each + p) * 7919 % all));
      }
      for (int64_t p = 0; p < work.length; p++) {
        slots.push_back(pages_[static_cast<size_t>(s * each + p / PAGE)] * PAGE + static_cast<int32_t>(p % PAGE));
      }
    }
    starts_.push_back(static_cast<int32_t>(work.sequences * work.rows));
    ol_context* context = nullptr;
    ol_open(&context, 1, ~0, 0);
    ol_rows k{const_cast<uint16_t*>(data.k), WIDTH, OL_BF16}, v{const_cast<uint16_t*>(data.v), WIDTH, OL_BF16};
    ol_write_kv(context, &kv_, &k, &v, slots.data(), work.sequences * work.length);
    ol_close(context);
  }

  ~Paged() {
    std::free(kv_.keys);
    std::free(kv_.values);
  }

  /* Queries in f32, results in bf16: what the decoder asks for. */
  bool attend(ol_context* context, const Data& data, uint16_t* out) {
    ol_batch batch{starts_.data(), lengths_.data(), tables_.data(), pages_.data(), work_.sequences};
    return ol_attention(context, &kv_, &batch, out, OL_BF16, data.q, OL_F32, HEADS, SCALE, 0) == OL_OK;
  }

 private:
  Work work_;
  ol_kv kv_;
  std::vector<int32_t> starts_, lengths_, tables_, pages_;
};

/* As the tests compare: within 1.2 % of a value and of what is usual. */
bool right(const uint16_t* out, const float* wanted, size_t count) {
  double squares = 0;
  for (size_t i = 0; i < count; i++) {
    squares += static_cast<double>(wanted[i]) * wanted[i];
  }
  double usual = std::sqrt(squares / static_cast<double>(count));
  for (size_t i = 0; i < count; i++) {
    if (!(std::fabs(widen(out[i]) - wanted[i]) <= 0.012 * (std::fabs(wanted[i]) + usual))) {
      return false;
    }
  }
  return true;
}

struct Shipped {
  const char* name;
  int32_t isa;
};

void measure(const Work& work, double seconds) {
  int64_t rows = work.sequences * work.rows;
  size_t outputs = static_cast<size_t>(rows * HEADS * SIZE);
  size_t cached = static_cast<size_t>(work.sequences * work.length * WIDTH);
  Data data{random<float>(outputs, 1), random<uint16_t>(cached, 2), random<uint16_t>(cached, 3),
            lab::memory<float>(outputs)};
  uint16_t* out = lab::memory<uint16_t>(outputs);
  Paged paged(work, data);
  double gigabytes = 4e-9 * static_cast<double>(cached);
  for (int threads = 1; threads <= 2; threads++) {
    openlora::Pool pool(threads, 50'000);
    auto body = [&](int thread, int of) {
      naive(work, data, rows * HEADS * thread / of, rows * HEADS * (thread + 1) / of);
    };
    double took = best(seconds, [&] { pool.run(body); });
    std::printf("| %s | naive | %d | %.2f | %.1f |\n", work.name, threads, took * 1e3, gigabytes / took);
    for (const Shipped& shipped : {Shipped{"shipped, AVX2", OL_AVX2}, Shipped{"shipped, AVX-512", OL_AVX512_BF16},
                                   Shipped{"shipped, AMX", OL_AMX_BF16}}) {
      ol_context* context = nullptr;
      if (ol_open(&context, threads, shipped.isa, 50'000) != OL_OK) {
        std::printf("| %s | %s | %d | not on this CPU | |\n", work.name, shipped.name, threads);
        continue;
      }
      took = best(seconds, [&] { paged.attend(context, data, out); });
      ol_close(context);
      std::printf("| %s | %s | %d | %s%.2f | %.1f |\n", work.name, shipped.name, threads,
                  right(out, data.out, outputs) ? "" : "WRONG ", took * 1e3, gigabytes / took);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  double seconds = count > 1 ? std::atof(arguments[1]) : 0.5;
  lab::print_machine();
  std::printf("\n| one layer of | version | threads | ms | GB/s of keys and values |\n|---|---|---|---|---|\n");
  for (const Work& work : {Work{"1 x 1 row, 4,000 positions", 1, 4000, 1}, Work{"32 x 1 row, 1,000 positions", 32, 1000, 1},
                           Work{"a prompt of 512", 1, 512, 512}}) {
    measure(work, seconds);
  }
  return 0;
}
