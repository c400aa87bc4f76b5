package dev.openlora.bench.step;

import dev.openlora.server.assembly.Machine;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a measurement says: lines for people, the same figures as JSON, and around them the machine
 * and its load before and after. One thread.
 */
final class BenchReport {
  private final PrintWriter out;
  private final ObjectNode json;
  private final ObjectNode load;

  private BenchReport(PrintWriter out, ObjectNode json, ObjectNode load) {
    this.out = out;
    this.json = json;
    this.load = load;
  }

  static BenchReport begin(PrintWriter out, String command) {
    Machine machine = Machine.read();
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("command", command);
    ObjectNode described = json.putObject("machine");
    described.put("cpu", machine.cpu()).put("cores", machine.cores());
    described.put("memory_mib", machine.memoryMiB());
    machine.cpuFeatures().forEach(described.putArray("features")::add);
    BenchReport report = new BenchReport(out, json, json.putObject("load_average"));
    double load = loadAverage();
    report.load.put("before", load);
    report.line(
        String.format(
            Locale.ROOT,
            "%s (%s), %d cores, load average %.2f",
            machine.cpu(),
            String.join(" ", machine.cpuFeatures()),
            machine.cores(),
            load));
    return report;
  }

  private static double loadAverage() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  /** Prints a line at once. */
  void line(String text) {
    out.println(text);
    out.flush();
  }

  /** For the figures of the measurement. */
  ObjectNode json() {
    return json;
  }

  /** The load afterwards, and the file, if one was asked for. */
  void end(@Nullable Path file) throws IOException {
    double after = loadAverage();
    load.put("after", after);
    line(String.format(Locale.ROOT, "load average after: %.2f", after));
    if (file != null) {
      Files.writeString(file, json.toPrettyString() + "\n");
    }
  }
}
