package dev.openlora.server.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a command line, run in this process, printed and ended with. */
record CommandOutcome(int status, String out, String err) {
  static CommandOutcome of(String... args) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
    try {
      int status = OpenLoraCommand.run(args);
      return new CommandOutcome(
          status,
          outBytes.toString(StandardCharsets.UTF_8),
          errBytes.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }

  /** The lines of JSON with this event. */
  List<JsonNode> events(String event) {
    return out.lines()
        .map(line -> JsonMapper.shared().readTree(line))
        .filter(json -> json.path("event").asString("").equals(event))
        .toList();
  }

  JsonNode done() {
    List<JsonNode> done = events("done");
    if (done.size() != 1) {
      throw new AssertionError("not done, status " + status + ":\n" + out + err);
    }
    return done.getFirst();
  }
}
