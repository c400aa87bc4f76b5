#pragma once

#include <sys/mman.h>
#include <time.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

/* What the experiments share. */
namespace lab {

inline double seconds(clockid_t clock = CLOCK_MONOTONIC) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/* 64-byte aligned, from huge pages where it fills them, as the server's weights; ended with the process. */
template <typename T>
T* memory(size_t count) {
  const size_t huge = size_t{2} << 20, bytes = count * sizeof(T), unit = bytes < huge ? 64 : huge;
  void* m = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
  if (m == nullptr) {
    std::perror("memory");
    std::exit(1);
  }
  if (unit == huge) {
    madvise(m, (bytes + unit - 1) / unit * unit, MADV_HUGEPAGE);
  }
  return static_cast<T*>(m);
}

/* Small numbers that repeat for a seed. */
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}

  /* In [-1, 1). */
  float next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<int32_t>(state_ >> 32)) * 0x1p-31f;
  }

 private:
  uint64_t state_;
};

/* The line of the machine under which a table stands. */
inline void print_machine() {
  char line[256], model[200] = "unknown";
  if (FILE* file = std::fopen("/proc/cpuinfo", "r")) {
    while (std::fgets(line, sizeof line, file) != nullptr) {
      if (std::sscanf(line, "model name : %199[^\n]", model) == 1) {
        break;
      }
    }
    std::fclose(file);
  }
  double load[3] = {-1, -1, -1};
  getloadavg(load, 3);
  time_t now = time(nullptr);
  char day[32];
  strftime(day, sizeof day, "%F %R", localtime(&now));
  std::printf("%s, load average %.2f, %s\n", model, load[0], day);
}

}  // namespace lab
