package dev.openlora.bench.load;

import dev.openlora.bench.process.ProcessTree;
import dev.openlora.server.cli.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * How fast are we beside others, and what do distinct adapters cost? The same scenarios on every
 * server in turns; quote the ratios, which are taken within a round. Without a peer it compares the
 * scenarios on our server.
 *
 * <pre>
 * ./openlora bench peers --ours http://127.0.0.1:8080 --peer llama=http://127.0.0.1:8081,target=llama
 * ./openlora bench peers --model /tmp/half --adapters /tmp/half-adapters --scenarios base-32,same-32,adapters-32
 * </pre>
 */
@Command(
    name = "peers",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Servers under the same load in turns: tokens per second, ratios, CPU.",
      "A wrong answer of any of them ends it with status 1."
    })
public final class PeersCommand implements Callable<Integer> {
  private static final String OURS = "ours";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--ours", paramLabel = "URL", description = "our server, when it runs")
  private @Nullable String ours;

  @Mixin private OwnServer own = new OwnServer();

  @Option(names = "--api-key", paramLabel = "KEY", description = "of our server")
  private @Nullable String apiKey;

  @Option(names = "--peer", paramLabel = Peer.FORM, description = "another server; repeatable")
  private List<String> peers = new ArrayList<>();

  @Option(
      names = "--pid",
      paramLabel = "NAME=PID",
      description = "a server's process, for its CPU time; ours is called " + OURS)
  private Map<String, Long> pids = new HashMap<>();

  @Option(
      names = "--freeze-others",
      description = "stop (SIGSTOP) the other servers' processes while one is measured")
  private boolean freeze;

  @Option(
      names = "--scenarios",
      split = ",",
      paramLabel = "NAME",
      description = Scenario.FORMS + " (default: all that a server can take)")
  private List<String> scenarios = new ArrayList<>();

  @Option(
      names = "--runs",
      paramLabel = "N",
      defaultValue = "3",
      description = "of each scenario on each server, after the warm-ups (default: 3)")
  private int runs;

  @Option(
      names = "--warm-ups",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "rounds that are not counted; a JVM compiles in its first half minute of work (default: 1)")
  private int warmUps;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N",
      defaultValue = "32",
      description = "except for prefill (default: 32)")
  private int promptTokens;

  @Option(
      names = "--new-tokens",
      paramLabel = "N",
      defaultValue = "32",
      description = "except for prefill (default: 32)")
  private int newTokens;

  @Option(names = "--seed", paramLabel = "S", defaultValue = "1", description = "default: 1")
  private long seed;

  @Option(
      names = "--timeout-s",
      paramLabel = "S",
      defaultValue = "600",
      description = "longest silence of a request, seconds (default: 600)")
  private int timeoutSeconds;

  @Mixin private OutputFiles files = new OutputFiles();

  /** For the root of {@code ./openlora bench}. */
  public PeersCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    List<Peer> others;
    List<Scenario> chosen;
    Map<String, ProcessTree> processes;
    Endpoint.@Nullable Address address;
    try {
      own.check(ours, "--ours");
      files.check();
      others = others();
      chosen = chosen();
      processes = processes(others);
      address = ours == null ? null : address(ours);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
    try (StartedServer started = own.start()) {
      if (started != null) {
        processes.put(OURS, started.tree());
        address = address(started.uri().toString());
      }
      List<Contender> contenders = new ArrayList<>();
      contenders.add(
          new Contender(OURS, Endpoint.ask(Objects.requireNonNull(address)), processes.get(OURS)));
      for (Peer peer : others) {
        contenders.add(
            new Contender(peer.name(), Endpoint.ask(peer.address()), processes.get(peer.name())));
      }
      return compare(contenders, possible(chosen, contenders));
    } catch (IOException e) {
      spec.commandLine().getErr().println("openlora bench: " + e.getMessage());
      return 1;
    }
  }

  private List<Peer> others() {
    LoadCommand.within("--runs", runs, 1, 1000);
    LoadCommand.within("--warm-ups", warmUps, 0, 1000);
    LoadCommand.within("--prompt-tokens", promptTokens, 1, 1_000_000);
    LoadCommand.within("--new-tokens", newTokens, 1, 1_000_000);
    LoadCommand.within("--timeout-s", timeoutSeconds, 1, 86_400);
    List<Peer> others = new ArrayList<>();
    for (String text : peers) {
      Peer peer = Peer.parse("--peer", text);
      if (peer.name().equals(OURS) || others.stream().anyMatch(o -> o.name().equals(peer.name()))) {
        throw new IllegalArgumentException(
            "--peer: '" + peer.name() + "' twice (expected: names that differ)");
      }
      others.add(peer);
    }
    return others;
  }

  private List<Scenario> chosen() {
    Workload.Lengths lengths = new Workload.Lengths(promptTokens, newTokens);
    return (scenarios.isEmpty() ? Scenario.DEFAULT : scenarios)
        .stream().distinct().map(name -> Scenario.parse("--scenarios", name, lengths)).toList();
  }

  private Map<String, ProcessTree> processes(List<Peer> others) {
    List<String> names = new ArrayList<>(List.of(OURS));
    others.forEach(peer -> names.add(peer.name()));
    Map<String, ProcessTree> processes = new HashMap<>();
    pids.forEach((name, pid) -> {
      if (!names.contains(name)) {
        throw new IllegalArgumentException(
            "--pid: '" + name + "' (expected: one of " + String.join(", ", names) + ")");
      }
      if (name.equals(OURS) && ours == null) {
        throw new IllegalArgumentException("--pid: ours (expected: with --ours only)");
      }
      processes.put(name, ProcessTree.of("--pid " + name, pid));
    });
    for (String name : names) {
      boolean known = processes.containsKey(name) || (name.equals(OURS) && ours == null);
      if (freeze && !known) {
        throw new IllegalArgumentException(
            "--freeze-others: no --pid for " + name + " (expected: one for each server)");
      }
    }
    return processes;
  }

  private Endpoint.Address address(String text) {
    return new Endpoint.Address(Endpoint.Address.uri("--ours", text), Dialect.OPENAI, apiKey, null);
  }

  /** Those that a server can take; one that was asked for by name has to be. */
  private List<Scenario> possible(List<Scenario> chosen, List<Contender> contenders)
      throws IOException {
    List<Scenario> possible = new ArrayList<>();
    for (Scenario scenario : chosen) {
      if (contenders.stream().anyMatch(c -> scenario.obstacle(c.endpoint()) == null)) {
        possible.add(scenario);
      } else if (!scenarios.isEmpty()) {
        Contender first = contenders.getFirst();
        throw new IOException(
            "--scenarios: no server can take "
                + scenario.name()
                + "; "
                + first.name()
                + " has "
                + scenario.obstacle(first.endpoint()));
      }
    }
    return possible;
  }

  private int compare(List<Contender> contenders, List<Scenario> possible)
      throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    MachineLine machine = MachineLine.now();
    out.println(machine);
    out.printf(
        "%d rounds after %d not counted, in turns%s; greedy, seed %d; medians [min–max]%n",
        runs, warmUps, freeze ? ", the others stopped" : "", seed);
    for (Contender contender : contenders) {
      out.printf(
          "%-14s %s (%s), base %s, %d adapters%n",
          contender.name(),
          contender.endpoint().uri(),
          contender.endpoint().dialect(),
          contender.endpoint().base(),
          contender.endpoint().adapters().size());
    }
    out.flush();
    Comparison comparison =
        new Comparison(
            contenders,
            possible,
            new Comparison.Plan(warmUps, runs, freeze, seed, Duration.ofSeconds(timeoutSeconds)),
            line -> say(err, line));
    Map<String, String> agreement = Map.of();
    @Nullable String stopped = null;
    CpuUse.Mark mark = CpuUse.Mark.now(null);
    long begin = System.nanoTime();
    try (ProgressLine _ = new ProgressLine(err, Progress.isTerminal(), comparison::line)) {
      agreement = comparison.checkAnswers();
      comparison.run();
    } catch (Comparison.WrongAnswerException e) {
      stopped = String.valueOf(e.getMessage());
    }
    double clientCores = mark.since().clientSeconds() / ((System.nanoTime() - begin) / 1e9);
    ComparisonReport report = new ComparisonReport(comparison);
    report.print(out);
    agreement.forEach((name, share) -> {
      if (!name.equals(OURS)) {
        out.printf("%nanswers of %s that are ours', alone and greedy: %s%n", name, share);
      }
    });
    out.printf(
        Locale.ROOT,
        "%nclient: %.3f cores; load average %.2f before, %.2f after%n",
        clientCores,
        machine.loadBefore(),
        MachineLine.loadAverage());
    out.flush();
    files.write(
        json(machine, report, agreement, stopped, clientCores), report.svg(subtitle(machine)));
    if (stopped != null) {
      err.println("openlora bench: stopped by a wrong answer: " + stopped);
      return 1;
    }
    return 0;
  }

  /** Above the line that is rewritten on a terminal. */
  private static void say(PrintWriter err, String line) {
    err.print(Progress.isTerminal() ? "\r\u001b[K" : "");
    err.println(line);
    err.flush();
  }

  private String subtitle(MachineLine machine) {
    return String.format(
        Locale.ROOT,
        "%s, %d cores; medians of %d rounds [min–max], %d + %d tokens; %s",
        machine.machine().cpu(),
        machine.machine().cores(),
        runs,
        promptTokens,
        newTokens,
        machine.begin().toString().substring(0, 10));
  }

  private ObjectNode json(
      MachineLine machine,
      ComparisonReport report,
      Map<String, String> agreement,
      @Nullable String stopped,
      double clientCores) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("format", "openlora-bench-peers-1");
    machine.writeTo(json.putObject("machine"));
    json.putObject("settings")
        .put("rounds", runs)
        .put("warm_ups", warmUps)
        .put("freeze_others", freeze)
        .put("prompt_tokens", promptTokens)
        .put("new_tokens", newTokens)
        .put("seed", seed);
    if (stopped != null) {
      json.put("stopped", stopped);
    }
    ObjectNode same = json.putObject("answers_as_ours");
    agreement.forEach(same::put);
    json.put("client_cores", clientCores);
    report.writeTo(json);
    return json;
  }
}
