package dev.openlora.server.demo;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the demonstration's models lie: {@code demo/} in the repository. */
public record DemoFolder(Path root) {
  /** The folder of this checkout, which the launcher names. */
  public static DemoFolder ofCheckout() {
    return new DemoFolder(Path.of(System.getProperty("openlora.root", ".")).resolve("demo"));
  }

  /** The base model. */
  public Path base() {
    return root.resolve("tiny");
  }

  /** One folder for each adapter. */
  public Path adapters() {
    return root.resolve("adapters");
  }

  /** The Datanets that the adapters learned from. */
  public Path datanets() {
    return root.resolve("datanets");
  }

  /** Rows that nobody learned from, a file for each adapter. */
  public Path heldOut() {
    return root.resolve("heldout");
  }

  /** Rows in a ninth voice, for the adapter that is made while one watches. */
  public Path live() {
    return root.resolve("live").resolve("almanac.jsonl");
  }

  public boolean isComplete() {
    return Files.exists(base().resolve("model.safetensors"))
        && Files.exists(live())
        && Voice.ALL.stream()
            .allMatch(v -> Files.exists(adapters().resolve(v.name()).resolve("lineage.json")));
  }
}
