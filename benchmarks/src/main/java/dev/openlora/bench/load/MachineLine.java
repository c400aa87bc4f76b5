package dev.openlora.bench.load;

import dev.openlora.server.assembly.Machine;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/** Where and when something was measured, and how busy the machine was at the begin. Immutable. */
record MachineLine(Machine machine, Instant begin, double loadBefore) {
  static MachineLine now() {
    return new MachineLine(Machine.read(), Instant.now(), loadAverage());
  }

  /** Processes that ran or wanted to, over the last minute. */
  static double loadAverage() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  void writeTo(ObjectNode json) {
    json.put("begin", begin.toString())
        .put("cpu", machine.cpu())
        .put("cores", machine.cores())
        .put("load_average_before", loadBefore)
        .put("load_average_after", loadAverage());
    machine.cpuFeatures().forEach(json.putArray("cpu_features")::add);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s (%s), %d cores, load average %.2f",
        machine.cpu(),
        String.join(" ", machine.cpuFeatures()),
        machine.cores(),
        loadBefore);
  }
}
