package dev.openlora.server.finetuning;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The commands that keep a worker out of the way of answers: {@code taskset} for its processors,
 * {@code nice} and {@code chrt --idle} so that it gets what nobody else wants, {@code ionice} for
 * the disk, and {@code setpriv --pdeathsig} so that it ends with this server, however that ends.
 * Each replaces itself by the next, so the process that is started is the worker. Those that this
 * system does not have or allow are left out, which the log says. Immutable.
 *
 * @param words in front of the worker's command line
 */
record Isolation(List<String> words) {
  private static final Logger LOG = LoggerFactory.getLogger(Isolation.class);
  private static final int TRIAL_SECONDS = 5;

  Isolation {
    words = List.copyOf(words);
  }

  /**
   * Tries the commands.
   *
   * @param cpus a list as {@code taskset} takes it, or null for all
   * @throws IOException when there is a list and it cannot be had
   */
  static Isolation find(@Nullable String cpus) throws IOException {
    List<String> words = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    if (cpus != null) {
      List<String> pinned = List.of("taskset", "-c", cpus);
      if (!works(pinned)) {
        throw new IOException(
            "tuning.cpus: '"
                + cpus
                + "' (expected: processors of this machine, as taskset -c takes them)");
      }
      words.addAll(pinned);
    }
    for (List<String> command :
        List.of(
            List.of("setpriv", "--pdeathsig", "TERM"),
            List.of("nice", "-n", "19"),
            List.of("chrt", "--idle", "0"),
            List.of("ionice", "-c3"))) {
      if (works(command)) {
        words.addAll(command);
      } else {
        missing.add(String.join(" ", command));
      }
    }
    LOG.info(
        "fine-tuning runs under: {}{}",
        words.isEmpty() ? "nothing" : String.join(" ", words),
        missing.isEmpty() ? "" : "; not available here: " + String.join(", ", missing));
    return new Isolation(words);
  }

  private static boolean works(List<String> command) {
    List<String> trial = new ArrayList<>(command);
    trial.add("true");
    try {
      Process process =
          new ProcessBuilder(trial)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (process.waitFor(TRIAL_SECONDS, TimeUnit.SECONDS)) {
        return process.exitValue() == 0;
      }
      process.destroyForcibly();
    } catch (IOException e) {
      LOG.debug("{}: {}", command, e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return false;
  }
}
