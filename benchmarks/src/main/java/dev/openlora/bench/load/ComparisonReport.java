package dev.openlora.bench.load;

import dev.openlora.bench.Spread;
import dev.openlora.bench.plot.BarChart;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A comparison as a table, as JSON and as a picture. */
record ComparisonReport(Comparison comparison) {
  void print(PrintWriter out) {
    for (Scenario scenario : comparison.scenarios()) {
      out.println();
      out.println(scenario.sentence());
      out.printf(
          "  %-14s %-30s %6s %10s %12s %9s %6s%n",
          "", scenario.unit(), "cores", "tok/CPU-s", "first text", "gap, ms", "Jain");
      for (Contender contender : comparison.contenders()) {
        out.println(row(scenario, contender));
      }
      ratios(scenario).forEach((name, spread) -> out.printf("  %s: %s%n", name, text(spread)));
    }
    out.flush();
  }

  private String row(Scenario scenario, Contender contender) {
    String name = contender.name();
    String obstacle = scenario.obstacle(contender.endpoint());
    Optional<Spread> rate = comparison.tokensPerSecond(scenario, name);
    if (obstacle != null || rate.isEmpty()) {
      return String.format(
          "  %-14s %s", name, obstacle == null ? "not measured" : "sits out: " + obstacle);
    }
    return String.format(
        Locale.ROOT,
        "  %-14s %-30s %6s %10s %12s %9s %6s",
        name,
        rate.get(),
        median(comparison.serverCores(scenario, name), "%.2f"),
        median(comparison.tokensPerCpuSecond(scenario, name), "%.1f"),
        median(scenario, name, "%.0f ms", each -> LoadReport.millis(each.report().firstText(), 50)),
        median(scenario, name, "%.1f", each -> LoadReport.millis(each.report().gap(), 50)),
        median(scenario, name, "%.2f", each -> each.report().jainRequests()));
  }

  private String median(
      Scenario scenario,
      String name,
      String form,
      java.util.function.ToDoubleFunction<Measurement> value) {
    return median(comparison.spread(scenario, name, value), form);
  }

  private static String median(Optional<Spread> spread, String form) {
    return spread.map(each -> String.format(Locale.ROOT, form, each.median())).orElse("–");
  }

  /** The first server over each other one, and over its own plainer scenarios. */
  private Map<String, Spread> ratios(Scenario scenario) {
    Map<String, Spread> ratios = new LinkedHashMap<>();
    String first = comparison.contenders().getFirst().name();
    for (Contender other : comparison.contenders()) {
      String name = other.name();
      if (!name.equals(first)) {
        comparison
            .ratio(scenario, first, name)
            .ifPresent(spread -> ratios.put(first + " / " + name, spread));
      }
    }
    for (Contender contender : comparison.contenders()) {
      for (Scenario plainer : comparison.scenarios()) {
        if (scenario.plainer().contains(plainer.name())) {
          String name = contender.name() + ": " + scenario.name() + " / " + plainer.name();
          comparison
              .ratio(contender.name(), scenario, plainer)
              .ifPresent(spread -> ratios.put(name, spread));
        }
      }
    }
    return ratios;
  }

  private static String text(Spread spread) {
    return String.format(
        Locale.ROOT, "%.3f [%.3f–%.3f]", spread.median(), spread.min(), spread.max());
  }

  void writeTo(ObjectNode json) {
    ArrayNode servers = json.putArray("servers");
    for (Contender contender : comparison.contenders()) {
      servers
          .addObject()
          .put("name", contender.name())
          .put("url", contender.endpoint().uri().toString())
          .put("target", contender.endpoint().dialect().toString())
          .put("base", contender.endpoint().base())
          .put("adapters_served", contender.endpoint().adapters().size());
    }
    ArrayNode scenarios = json.putArray("scenarios");
    for (Scenario scenario : comparison.scenarios()) {
      ObjectNode each = scenarios.addObject();
      each.put("name", scenario.name())
          .put("unit", scenario.unit())
          .put("concurrency", scenario.callers())
          .put("requests", scenario.requests())
          .put("adapters", scenario.adapters())
          .put("prompt_tokens", scenario.lengths().promptTokens())
          .put("new_tokens", scenario.lengths().newTokens());
      ObjectNode byServer = each.putObject("servers");
      for (Contender contender : comparison.contenders()) {
        writeServer(byServer.putObject(contender.name()), scenario, contender);
      }
      ObjectNode ratios = each.putObject("ratios");
      ratios(scenario).forEach((name, spread) -> ratios.set(name, json(spread)));
    }
  }

  private void writeServer(ObjectNode json, Scenario scenario, Contender contender) {
    String obstacle = scenario.obstacle(contender.endpoint());
    if (obstacle != null) {
      json.put("sits_out", obstacle);
      return;
    }
    comparison
        .tokensPerSecond(scenario, contender.name())
        .ifPresent(spread -> json.set("tokens_per_second", json(spread)));
    ArrayNode runs = json.putArray("runs");
    comparison
        .results(scenario, contender.name())
        .forEach(run -> runs.add(run.json(contender.endpoint())));
  }

  private static ObjectNode json(Spread spread) {
    return JsonMapper.shared()
        .createObjectNode()
        .put("median", spread.median())
        .put("min", spread.min())
        .put("max", spread.max());
  }

  String svg(String subtitle) {
    List<BarChart.Panel> panels = new ArrayList<>();
    for (String unit : List.of("output tokens/s", "prompt tokens/s")) {
      List<BarChart.Group> groups = new ArrayList<>();
      for (Scenario scenario : comparison.scenarios()) {
        Map<String, Spread> bars = new LinkedHashMap<>();
        for (Contender contender : comparison.contenders()) {
          comparison
              .tokensPerSecond(scenario, contender.name())
              .ifPresent(spread -> bars.put(contender.name(), spread));
        }
        if (scenario.unit().equals(unit) && !bars.isEmpty()) {
          groups.add(new BarChart.Group(scenario.name(), bars));
        }
      }
      if (!groups.isEmpty()) {
        panels.add(new BarChart.Panel(unit, groups));
      }
    }
    return new BarChart(
            "Throughput of servers in turns",
            subtitle,
            comparison.contenders().stream().map(Contender::name).toList(),
            panels)
        .svg();
  }
}
