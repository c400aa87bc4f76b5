#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace openlora {

/* Threads that work on one call together. A waiting thread polls for a short while, then sleeps: calls
 * follow each other within microseconds in a step, and the core may belong to somebody else between
 * steps. It yields between polls, as the one it waits for may want the same core. The caller is thread 0. */
class Pool {
 public:
  using Work = void (*)(void* argument, int thread, int threads);

  Pool(int threads, int64_t spin_ns);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(others_.size()) + 1; }

  /* Runs work on every thread and returns when all are done. */
  void run(Work work, void* argument);

  template <typename Body>
  void run(Body& body) {
    run([](void* b, int thread, int threads) { (*static_cast<Body*>(b))(thread, threads); }, &body);
  }

 private:
  void wait_until_not(std::atomic<uint32_t>& value, uint32_t old) const;
  void serve(int thread);

  int64_t spin_ns_;
  Work work_ = nullptr;
  void* argument_ = nullptr;
  bool stopping_ = false;
  alignas(64) std::atomic<uint32_t> turn_{0};
  alignas(64) std::atomic<uint32_t> sleepers_{0};
  alignas(64) std::atomic<uint32_t> running_{0};
  std::vector<std::thread> others_;
};

}  // namespace openlora
