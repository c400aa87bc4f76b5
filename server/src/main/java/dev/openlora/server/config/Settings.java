package dev.openlora.server.config;

import static dev.openlora.server.config.Setting.list;
import static dev.openlora.server.config.Setting.number;
import static dev.openlora.server.config.Setting.secrets;
import static dev.openlora.server.config.Setting.text;
import static dev.openlora.server.config.Setting.toggle;

import java.util.List;
import java.util.Optional;

/**
 * Every setting there is, in the order in which it is printed. The file's keys, the flags, the help
 * text and the defaults all come from this table, so none of them can miss one.
 */
final class Settings {
  private Settings() {}

  static final List<Setting> ALL =
      List.of(
          text("server.host", "--host", "127.0.0.1", "HOST", "address to listen on"),
          number("server.port", "--port", 8080, "port to listen on; 0 picks a free one"),
          secrets(
              "server.apiKeys",
              "--api-key",
              "OPENLORA_API_KEY",
              "key that clients must send (repeatable); none: open to everybody"),
          secrets(
              "server.adminKeys",
              "--admin-key",
              "OPENLORA_ADMIN_KEY",
              "key that may load and unload adapters (repeatable)"),
          number(
              "server.drainSeconds",
              "--drain-seconds",
              30,
              "how long running requests may finish after SIGTERM"),
          toggle(
              "server.openMetrics",
              "--open-metrics",
              true,
              "let /metrics be read without a key, as scrapers expect"),
          number(
              "server.maxConnections", "--max-connections", 8192, "open connections at one time"),
          number("server.maxRequestMiB", "--max-request-mib", 8, "largest request body, in MiB"),
          text("model.path", "--model", null, "DIR", "base model, a Hugging Face folder"),
          text(
              "model.servedName",
              "--served-model-name",
              null,
              "NAME",
              "the base model's name in requests (default: its folder's name)"),
          text("model.dtype", "--dtype", "auto", "TYPE", "auto, float32 or bfloat16"),
          text(
              "model.quantization",
              "--quantization",
              "none",
              "KIND",
              "none, or int8: the base's weights rounded to a byte each, by output channel"),
          text("model.device", "--device", "cpu", "DEVICE", "cpu, cuda or cuda:N"),
          text(
              "model.libtorch",
              "--libtorch",
              null,
              "DIR",
              "use the libtorch in this folder (default: the one that comes along)"),
          number(
              "model.maxModelLength",
              "--max-model-len",
              0,
              "longest prompt plus answer, in tokens; 0: what the model was made for"),
          text(
              "adapters.directory",
              "--adapters",
              null,
              "DIR",
              "load every adapter folder in DIR at start; also an allowed root"),
          list(
              "adapters.roots",
              "--adapter-root",
              "DIR",
              "folder from under which adapters may be loaded (repeatable)"),
          toggle(
              "adapters.strict",
              "--strict-adapters",
              false,
              "refuse to start when an adapter in the directory cannot be served"),
          number(
              "adapters.memoryMiB",
              "--adapter-memory-mib",
              0,
              "memory for adapters, in MiB; 0: a quarter of what is free at start"),
          number(
              "engine.maxBatchTokens",
              "--max-batch-tokens",
              512,
              "most tokens of one step, prompts and answers together"),
          number("engine.maxSequences", "--max-num-seqs", 64, "most sequences of one step"),
          number(
              "engine.maxWaiting",
              "--max-waiting",
              1024,
              "most requests that wait; more are answered 429"),
          number(
              "engine.kvMemoryMiB",
              "--kv-memory-mib",
              0,
              "memory for keys and values, in MiB; 0: chosen from what is free"),
          number("engine.pageSize", "--page-size", 16, "tokens of one page of keys and values"),
          number("engine.threads", "--threads", 0, "threads of the kernels; 0: one per core"),
          text(
              "engine.kernels",
              "--kernels",
              "auto",
              "KIND",
              "native: our C++ kernels; portable: libtorch's; auto: native where they run"),
          text(
              "engine.cpuIsa",
              "--cpu-isa",
              "auto",
              "ISA",
              "newest instructions of the native kernels: avx2, avx512_bf16, amx_bf16 or auto"),
          toggle(
              "engine.deterministic",
              "--deterministic",
              false,
              "the same bits for a request whatever else runs beside it; native kernels, bfloat16"),
          toggle(
              "engine.prefixCache",
              "--prefix-cache",
              true,
              "reuse keys and values of prompts that begin alike"),
          text(
              "tuning.directory",
              "--tuning-dir",
              null,
              "DIR",
              "folder for uploaded files, jobs and finished adapters; none: no fine-tuning"),
          toggle(
              "tuning.enabled",
              "--tuning",
              true,
              "take files and run jobs when there is a folder; off: what is there stays served"),
          text(
              "tuning.organization",
              "--tuning-organization",
              "openlora",
              "NAME",
              "part of the names of results"),
          number("tuning.threads", "--tuning-threads", 1, "threads of one job"),
          text(
              "tuning.cpus",
              "--tuning-cpus",
              null,
              "LIST",
              "processors of jobs, as taskset -c takes them (default: all)"),
          number("tuning.heapMiB", "--tuning-heap-mib", 1024, "Java heap of one job, in MiB"),
          number("tuning.maxRunning", "--tuning-max-running", 1, "jobs that run at one time"),
          number(
              "tuning.maxWaiting",
              "--tuning-max-waiting",
              16,
              "jobs that wait; more are answered 429"),
          number("tuning.maxJobs", "--tuning-max-jobs", 1000, "jobs that are remembered"),
          number(
              "tuning.maxAttempts",
              "--tuning-max-attempts",
              3,
              "how often a job whose process dies is begun"),
          number("tuning.maxFileMiB", "--tuning-max-file-mib", 512, "largest upload, in MiB"),
          number("tuning.maxFiles", "--tuning-max-files", 1000, "files that are kept"),
          number(
              "tuning.maxFilesMiB", "--tuning-max-files-mib", 10240, "all files together, in MiB"),
          text("log.format", "--log-format", "text", "FORMAT", "text or json"),
          text("log.level", "--log-level", "info", "LEVEL", "error, warn, info or debug"));

  static Optional<Setting> byKey(String key) {
    return ALL.stream().filter(setting -> setting.key().equals(key)).findFirst();
  }
}
