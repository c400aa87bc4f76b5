package dev.openlora.attribution.lineage;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where an adapter or a model comes from: what it was trained on, from what, how, with which
 * result. Written as canonical JSON, a function of the training alone: no date, no duration.
 *
 * @param base what the training began with; null for a model made from random values
 * @param sources what the rows were read from, in order
 * @param training the rows that were learned from
 * @param heldOut the rows that only measured
 * @param adapterConfig the adapter's config as PEFT reads it; null for a model
 * @param hyperparameters numbers, texts and flags by name
 * @param metrics numbers by name
 * @param cpu the machine's processor in a line; its kind decides the last bits
 * @param contentSha256 what the result is called by: an adapter's digest as it is served, a model's
 *     content hash
 */
public record Lineage(
    @Nullable Base base,
    List<Source> sources,
    Rows training,
    Rows heldOut,
    @Nullable ObjectNode adapterConfig,
    ObjectNode hyperparameters,
    long seed,
    ObjectNode metrics,
    Software software,
    String cpu,
    String contentSha256) {
  public static final String FILE = "lineage.json";
  static final String FORMAT = "openlora-lineage/1";
  static final int BYTES_MAX = 4 << 20;
  static final int SOURCES_MAX = 10_000;
  private static final int TEXT_MAX = 1_000;

  /** A base model by the name it had and its content hash. */
  public record Base(String name, String sha256) {
    public Base {
      checkText("base.name", name);
      checkSha256("base.sha256", sha256);
    }
  }

  /** What rows were read from. */
  public sealed interface Source {
    /** Rows that it holds, used or not. */
    long rows();

    /** A version of a Datanet: its manifest's SHA-256 and the root over its rows. */
    record Datanet(String name, int version, String manifestSha256, String root, long rows)
        implements Source {
      public Datanet {
        checkText("sources.name", name);
        checkCount("sources.version", version, 1);
        checkSha256("sources.manifest_sha256", manifestSha256);
        checkSha256("sources.root", root);
        checkCount("sources.rows", rows, 1);
      }
    }

    /** A file by its name, without folders, and the SHA-256 of its bytes. */
    record PlainFile(String name, String sha256, long rows) implements Source {
      public PlainFile {
        checkText("sources.name", name);
        checkSha256("sources.sha256", sha256);
        checkCount("sources.rows", rows, 1);
      }
    }

    /** Rows that a program of this version makes by itself, by its name and seed. */
    record Generated(String name, long seed, long rows) implements Source {
      public Generated {
        checkText("sources.name", name);
        checkCount("sources.rows", rows, 1);
      }
    }
  }

  /** Some rows: how many, and the {@link RowsRoot} over their ids. */
  public record Rows(long count, String root) {
    public Rows {
      checkCount("rows", count, 0);
      checkSha256("root", root);
    }

    public static Rows of(List<byte[]> ids) {
      return new Rows(ids.size(), RowsRoot.of(ids));
    }
  }

  /** What trained; the commit is null where the build does not know it. */
  public record Software(String version, @Nullable String commit) {
    public Software {
      checkText("software.version", version);
      if (commit != null && !commit.matches("[0-9a-f]{40}")) {
        throw new IllegalArgumentException(
            "software.commit: '"
                + shown(commit)
                + "' (expected: 40 lower-case hexadecimal digits)");
      }
    }
  }

  public Lineage {
    sources = List.copyOf(sources);
    if (sources.isEmpty() || sources.size() > SOURCES_MAX) {
      throw new IllegalArgumentException(
          "sources: " + sources.size() + " (expected: 1.." + SOURCES_MAX + ")");
    }
    checkCount("training.rows", training.count(), 1);
    if (base == null && adapterConfig != null) {
      throw new IllegalArgumentException(
          "base: missing beside adapter_config (expected: what the adapter is for)");
    }
    LineageJson.checkScalars("hyperparameters", hyperparameters);
    LineageJson.checkNumbers("metrics", metrics);
    checkText("cpu", cpu);
    checkSha256("content_sha256", contentSha256);
  }

  /** The canonical JSON and a line break. */
  public String toJson() {
    return LineageJson.write(this) + "\n";
  }

  /** Refuses with an {@link IllegalArgumentException} that names the field. */
  public static Lineage parse(String json) {
    return LineageJson.parse(json);
  }

  /**
   * Reads the file of an adapter's or model's folder.
   *
   * @throws LineageException naming the field that does not fit, what came and what was expected
   */
  public static Lineage read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(BYTES_MAX + 1);
      if (bytes.length > BYTES_MAX) {
        throw new LineageException(
            file + ": more than " + BYTES_MAX + " bytes (expected: at most)");
      }
      return parse(new String(bytes, StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      throw new LineageException(file + ": " + e.getMessage());
    }
  }

  public void write(Path folder) throws IOException {
    Files.writeString(folder.resolve(FILE), toJson());
  }

  static void checkText(String field, String text) {
    if (text.isBlank()
        || text.length() > TEXT_MAX
        || text.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          field + ": '" + shown(text) + "' (expected: a line of 1.." + TEXT_MAX + " characters)");
    }
  }

  static void checkSha256(String field, String hex) {
    if (!hex.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException(
          field + ": '" + shown(hex) + "' (expected: 64 lower-case hexadecimal digits)");
    }
  }

  private static void checkCount(String field, long count, long least) {
    if (count < least) {
      throw new IllegalArgumentException(
          field + ": " + count + " (expected: at least " + least + ")");
    }
  }

  static String shown(String text) {
    String line = text.length() > 100 ? text.substring(0, 100) + "…" : text;
    return line.replaceAll("\\p{Cntrl}", "?");
  }
}
