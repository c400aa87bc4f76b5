package dev.openlora.bench.step;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** How the machine's limits are measured, and the measuring. */
final class RooflineFlags {
  private static final int STREAM_MIB_MIN = 512;
  private static final int STREAM_MIB_MAX = 65_536;
  private static final long MIB = 1024 * 1024;

  @Option(
      names = "--stream-mib",
      defaultValue = "1024",
      description = "memory to read for the bandwidth, more than caches hold; default: 1024")
  private int streamMiB;

  @Option(
      names = "--passes",
      defaultValue = "5",
      description = "over that memory, and of each product; the best counts; default: 5")
  private int passes;

  /**
   * What was measured.
   *
   * @param streamOne bytes per second that one thread reads
   * @param streamAll bytes per second that {@code threads} read together
   * @param products FLOP per second by shape of the weight
   */
  record Limits(int threads, double streamOne, double streamAll, Map<String, Double> products) {
    /** The better of both, as a few cores may reach with one thread what they reach with all. */
    double streamBytes() {
      return Math.max(streamOne, streamAll);
    }

    Roofline roofline() {
      return new Roofline(
          streamBytes(),
          products.values().stream().mapToDouble(Double::doubleValue).max().orElse(0));
    }
  }

  void check() {
    if (streamMiB < STREAM_MIB_MIN || streamMiB > STREAM_MIB_MAX) {
      throw new IllegalArgumentException(
          "--stream-mib: "
              + streamMiB
              + " (expected: "
              + STREAM_MIB_MIN
              + ".."
              + STREAM_MIB_MAX
              + ")");
    }
    if (passes < 1 || passes > 1000) {
      throw new IllegalArgumentException("--passes: " + passes + " (expected: 1..1000)");
    }
  }

  Limits measure(OpenBase base, int threads, BenchReport report)
      throws IOException, InterruptedException {
    double one = StreamBandwidth.ofMachine(1, streamMiB * MIB, passes);
    double all = threads == 1 ? one : StreamBandwidth.ofMachine(threads, streamMiB * MIB, passes);
    Map<String, Double> products =
        new ProductPeak(base.ops(), base.arena(), base.model().dtype(), passes)
            .measure(base.model());
    Limits limits = new Limits(threads, one, all, products);
    print(limits, report);
    return limits;
  }

  private void print(Limits limits, BenchReport report) {
    report.line(
        String.format(
            Locale.ROOT,
            "memory, read: 1 thread %.1f GB/s, %d threads %.1f GB/s (%d MiB, best of %d)",
            limits.streamOne() / 1e9,
            limits.threads(),
            limits.streamAll() / 1e9,
            streamMiB,
            passes));
    report.line(
        String.format(
            Locale.ROOT, "products of %d rows, GFLOP/s by weight [out x in]:", ProductPeak.ROWS));
    limits
        .products()
        .forEach((shape, flops) ->
            report.line(String.format(Locale.ROOT, "  %-14s %8.1f", shape, flops / 1e9)));
    ObjectNode json = report.json().putObject("roofline");
    json.put("threads", limits.threads())
        .put("stream_gb_s_one_thread", limits.streamOne() / 1e9)
        .put("stream_gb_s", limits.streamAll() / 1e9)
        .put("product_gflop_s", limits.roofline().productFlops() / 1e9);
    ObjectNode products = json.putObject("product_gflop_s_by_shape");
    limits.products().forEach((shape, flops) -> products.put(shape, flops / 1e9));
  }
}
