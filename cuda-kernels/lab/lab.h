#pragma once

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

/* 64-byte aligned, ended with the process. */
template <typename T>
T* memory(size_t count) {
  void* m = std::aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64);
  if (m == nullptr) {
    std::perror("memory");
    std::exit(1);
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
