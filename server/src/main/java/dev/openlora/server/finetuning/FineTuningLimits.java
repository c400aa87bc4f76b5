package dev.openlora.server.finetuning;

/**
 * How much fine-tuning takes on.
 *
 * @param runningMax jobs at one time
 * @param waitingMax jobs that are looked through or wait; more are refused
 * @param jobsMax jobs that are remembered, whatever became of them
 * @param attemptsMax how often a job is begun before a worker that dies is its failure
 * @param fileBytesMax of one file
 * @param filesMax files that are kept
 * @param totalBytesMax of all files together
 */
public record FineTuningLimits(
    int runningMax,
    int waitingMax,
    int jobsMax,
    int attemptsMax,
    long fileBytesMax,
    int filesMax,
    long totalBytesMax) {
  public FineTuningLimits {
    positive("runningMax", runningMax);
    positive("waitingMax", waitingMax);
    positive("jobsMax", jobsMax);
    positive("attemptsMax", attemptsMax);
    positive("fileBytesMax", fileBytesMax);
    positive("filesMax", filesMax);
    positive("totalBytesMax", totalBytesMax);
  }

  public static FineTuningLimits defaults() {
    return new FineTuningLimits(1, 16, 1000, 3, 512L << 20, 1000, 10L << 30);
  }

  private static void positive(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: at least 1)");
    }
  }
}
