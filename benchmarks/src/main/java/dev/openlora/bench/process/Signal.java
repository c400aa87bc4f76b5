package dev.openlora.bench.process;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** What processes can be told. Any thread. */
enum Signal {
  TERM,
  KILL,
  STOP,
  CONT;

  /**
   * Returns when it is sent; an interrupt waits until then. Errors are of no use here: what counts
   * is the state that the processes are in afterwards.
   *
   * @param targets processes, or below 0 the groups of that number
   */
  void send(Collection<Long> targets) throws IOException {
    List<String> command = new ArrayList<>(List.of("sh", "-c", "kill -s $0 -- \"$@\"", name()));
    targets.forEach(each -> command.add(String.valueOf(each)));
    Process kill =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    boolean interrupted = false;
    while (true) {
      try {
        kill.waitFor();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
