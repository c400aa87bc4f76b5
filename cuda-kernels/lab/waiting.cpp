/* What handing one call to a second thread costs, by how the two wait: calls that follow at once, as in a
 * step; calls 300 us apart, as between steps; and calls at once where both threads have one core, which
 * is where a busy machine puts them. Usage: waiting [calls] */
#include <immintrin.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "lab.h"
#include "pool.h"

namespace {

/* One other thread that is called and answers. */
class Pair {
 public:
  virtual ~Pair() = default;
  virtual void call() = 0;
};

void sleep_while(std::atomic<uint32_t>& value, uint32_t old) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value), FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
}

void wake(std::atomic<uint32_t>& value) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

class NewThread : public Pair {
 public:
  void call() override {
    std::thread([] {}).join();
  }
};

class Condition : public Pair {
 public:
  ~Condition() override {
    say(-1);
    other_.join();
  }

  void call() override {
    say(1);
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return state_ == 0; });
  }

 private:
  void say(int state) {
    std::lock_guard<std::mutex> lock(mutex_);
    state_ = state;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int state_ = 0;
  std::thread other_{[this] {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return state_ != 0; });
      if (state_ < 0) {
        return;
      }
      state_ = 0;
      changed_.notify_all();
    }
  }};
};

enum class Waiting { SLEEP, POLL, POLL_THEN_SLEEP, YIELD_THEN_SLEEP };

/* Two counters. Those that sleep after a while do so after 50 us. */
template <Waiting WAITING>
class Counters : public Pair {
 public:
  ~Counters() override {
    stopping_ = true;
    calls_++;
    wake(calls_);
    other_.join();
  }

  void call() override {
    uint32_t answered = answers_;
    calls_++;
    if (WAITING != Waiting::POLL) {
      wake(calls_);
    }
    wait(answers_, answered);
  }

 private:
  static void wait(std::atomic<uint32_t>& value, uint32_t old) {
    double until = 0;
    for (int polls = 0; value == old; polls++) {
      _mm_pause();
      if (WAITING == Waiting::SLEEP) {
        sleep_while(value, old);
      } else if (WAITING != Waiting::POLL && polls % 64 == 63) {
        double now = lab::seconds();
        until = until == 0 ? now + 50e-6 : until;
        if (now > until) {
          sleep_while(value, old);
        } else if (WAITING == Waiting::YIELD_THEN_SLEEP) {
          sched_yield();
        }
      }
    }
  }

  alignas(64) std::atomic<uint32_t> calls_{0};
  alignas(64) std::atomic<uint32_t> answers_{0};
  std::atomic<bool> stopping_{false};
  std::thread other_{[this] {
    for (uint32_t seen = 0; !stopping_; seen++) {
      wait(calls_, seen);
      answers_++;
      if (WAITING != Waiting::POLL) {
        wake(answers_);
      }
    }
  }};
};

/* The shipped one: polls for a while, then sleeps. */
class Shipped : public Pair {
 public:
  void call() override {
    auto nothing = [](int, int) {};
    pool_.run(nothing);
  }

 private:
  openlora::Pool pool_{2, 50'000};
};

double cpu_seconds() {
  rusage use;
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

/* The cores that this thread and those it starts may run on. */
void keep_to(int cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int core = 0; core < cores; core++) {
    CPU_SET(core, &set);
  }
  sched_setaffinity(0, sizeof set, &set);
}

template <typename P>
void measure(const char* name, int calls) {
  std::printf("| %s |", name);
  struct Place {
    int cores;
    useconds_t apart_us;
  };
  for (Place place : {Place{2, 0}, Place{2, 300}, Place{1, 0}}) {
    keep_to(place.cores);
    P pair;
    std::vector<double> took;
    double cpu = cpu_seconds(), begin = lab::seconds();
    while (took.size() < static_cast<size_t>(calls) && lab::seconds() - begin < 5) {
      if (place.apart_us > 0) {
        usleep(place.apart_us);
      }
      double start = lab::seconds();
      pair.call();
      took.push_back((lab::seconds() - start) * 1e6);
    }
    double busy = (cpu_seconds() - cpu) / (lab::seconds() - begin);
    std::sort(took.begin(), took.end());
    std::printf(" %.1f, %.1f, %.2f |", took[took.size() / 2], took[took.size() * 99 / 100], busy);
    std::fflush(stdout);
  }
  std::printf("\n");
}

}  // namespace

int main(int count, char** arguments) {
  int calls = count > 1 ? std::atoi(arguments[1]) : 2000;
  if (calls < 100 || calls > 1'000'000) {
    std::fprintf(stderr, "calls: %d (expected: 100 to 1000000)\n", calls);
    return 1;
  }
  lab::print_machine();
  std::printf("Cells: us a call (median), us (99th percentile), cores busy\n\n");
  std::printf("| waits by | at once | 300 us apart | at once, on one core |\n|---|---|---|---|\n");
  measure<NewThread>("a new thread each time", calls);
  measure<Condition>("a condition variable", calls);
  measure<Counters<Waiting::SLEEP>>("sleeping at once (futex)", calls);
  measure<Counters<Waiting::POLL>>("polling for ever", calls);
  measure<Counters<Waiting::POLL_THEN_SLEEP>>("polling 50 us, then sleeping", calls);
  measure<Counters<Waiting::YIELD_THEN_SLEEP>>("the same, yielding between polls", calls);
  measure<Shipped>("shipped", calls);
  return 0;
}
