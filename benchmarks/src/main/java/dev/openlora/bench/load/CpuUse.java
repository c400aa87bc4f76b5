package dev.openlora.bench.load;

import dev.openlora.bench.process.ProcessTree;
import java.lang.management.ManagementFactory;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * CPU time that a run took.
 *
 * @param serverSeconds of the server's process tree; empty when its id is not known
 * @param clientSeconds of this process
 */
record CpuUse(OptionalDouble serverSeconds, double clientSeconds) {
  /** A reading to subtract a later one from. */
  record Mark(@Nullable ProcessTree server, OptionalDouble serverSeconds, double clientSeconds) {
    static Mark now(@Nullable ProcessTree server) {
      return new Mark(
          server, server == null ? OptionalDouble.empty() : server.cpuSeconds(), ownSeconds());
    }

    CpuUse since() {
      Mark end = now(server);
      OptionalDouble server =
          serverSeconds.isPresent() && end.serverSeconds.isPresent()
              ? OptionalDouble.of(end.serverSeconds.getAsDouble() - serverSeconds.getAsDouble())
              : OptionalDouble.empty();
      return new CpuUse(server, end.clientSeconds - clientSeconds);
    }
  }

  private static double ownSeconds() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getProcessCpuTime() / 1e9
        : 0;
  }
}
