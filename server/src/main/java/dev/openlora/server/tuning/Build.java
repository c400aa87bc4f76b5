package dev.openlora.server.tuning;

import dev.openlora.attribution.lineage.Lineage;
import dev.openlora.server.assembly.Machine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Which build of this program runs, and on what. */
final class Build {
  private static final int GIT_SECONDS_MAX = 10;

  private Build() {}

  static Lineage.Software software() {
    String version =
        Objects.requireNonNullElse(
            Build.class.getPackage().getImplementationVersion(), "not packaged");
    return new Lineage.Software(version, commit());
  }

  static String cpu() {
    Machine machine = Machine.read();
    return machine.cpu() + ", " + String.join(" ", machine.cpuFeatures());
  }

  /** The launcher's checkout, when it is one and holds nothing that is not committed. */
  private static @Nullable String commit() {
    String root = System.getProperty("openlora.root", "");
    if (root.isEmpty() || !Files.exists(Path.of(root, ".git"))) {
      return null;
    }
    String changes = git(root, "status", "--porcelain");
    String head = git(root, "rev-parse", "HEAD");
    return changes != null && changes.isEmpty() && head != null && head.matches("[0-9a-f]{40}")
        ? head
        : null;
  }

  private static @Nullable String git(String root, String verb, String argument) {
    try {
      Process git =
          new ProcessBuilder("git", "-C", root, verb, argument)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      if (!git.waitFor(GIT_SECONDS_MAX, TimeUnit.SECONDS)) {
        git.destroyForcibly();
        return null;
      }
      return git.exitValue() == 0 ? said : null;
    } catch (IOException e) {
      return null; // no git, no commit
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }
}
