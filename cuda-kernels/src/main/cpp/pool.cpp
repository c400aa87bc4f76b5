#include "pool.h"

#include <immintrin.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>

namespace openlora {

namespace {

int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void sleep_while(std::atomic<uint32_t>& value, uint32_t old) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value), FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
}

void wake_all(std::atomic<uint32_t>& value) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

Pool::Pool(int threads, int64_t spin_ns) : spin_ns_(spin_ns) {
  for (int i = 1; i < threads; i++) {
    others_.emplace_back([this, i] { serve(i); });
  }
}

Pool::~Pool() {
  stopping_ = true;
  turn_.fetch_add(1);
  wake_all(turn_);
  for (std::thread& thread : others_) {
    thread.join();
  }
}

void Pool::run(Work work, void* argument) {
  if (others_.empty()) {
    work(argument, 0, 1);
    return;
  }
  work_ = work;
  argument_ = argument;
  running_.store(static_cast<uint32_t>(others_.size()));
  turn_.fetch_add(1);
  if (sleepers_.load() > 0) {
    wake_all(turn_);
  }
  work(argument, 0, threads());
  for (uint32_t left = running_.load(); left != 0; left = running_.load()) {
    wait_until_not(running_, left);
  }
}

void Pool::wait_until_not(std::atomic<uint32_t>& value, uint32_t old) const {
  int64_t until = 0;
  for (int polls = 0; value.load(std::memory_order_acquire) == old; polls++) {
    _mm_pause();
    if (polls % 64 == 63) {
      int64_t now = now_ns();
      if (until == 0) {
        until = now + spin_ns_;
      } else if (now > until) {
        sleep_while(value, old);
      } else {
        sched_yield();
      }
    }
  }
}

void Pool::serve(int thread) {
  uint32_t seen = 0;
  while (true) {
    int64_t until = now_ns() + spin_ns_;
    for (int polls = 0; turn_.load(std::memory_order_acquire) == seen; polls++) {
      _mm_pause();
      if (polls % 64 != 63) {
        continue;
      }
      if (now_ns() <= until) {
        sched_yield();
      } else {
        /* Counted before the last look, so that whoever turns sees the sleeper or the sleeper the turn. */
        sleepers_.fetch_add(1);
        while (turn_.load() == seen) {
          sleep_while(turn_, seen);
        }
        sleepers_.fetch_sub(1);
      }
    }
    seen++;
    if (stopping_) {
      return;
    }
    work_(argument_, thread, threads());
    if (running_.fetch_sub(1) == 1) {
      wake_all(running_);
    }
  }
}

}  // namespace openlora
