package dev.openlora.settlement.chain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.MethodName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * The contracts' own tests, and that what Java holds of the contracts is what they compile to.
 * Needs Node.js with npm, and Maven for the generator of the wrappers; skipped by name without.
 */
@TestMethodOrder(MethodName.class) // the first compiles for the others
class ContractsTest {
  private static final int MINUTES_MAX = 10;
  private static final Pattern PASSED =
      Pattern.compile("(\\d+) tests? passed, (\\d+) failed, (\\d+) skipped");

  @TempDir Path logs;

  @BeforeAll
  static void packagesAreThere() {
    needs("npm");
    RunningChain.folder().install(System.out::println);
  }

  @Test
  void artifactsAreWhatTheSourcesCompileTo() throws Exception {
    succeeds("npm", "run", "--silent", "artifacts:check");
  }

  @Test
  void testsOfTheContractsPass() throws Exception {
    String out = succeeds("npm", "test", "--silent");
    Matcher counts = PASSED.matcher(out);
    assertThat(counts.find()).as("forge's summary in%n%s", out).isTrue();
    String summary = counts.group();
    while (counts.find()) {
      summary = counts.group();
    }
    System.out.println("contracts: " + summary);
    assertThat(summary).contains(" 0 failed, 0 skipped").doesNotStartWith("0 ");
  }

  @Test
  void wrappersAreWhatTheArtifactsMake() throws Exception {
    needs("mvn");
    succeeds("npm", "run", "--silent", "wrappers:check");
  }

  private static void needs(String program) {
    if (ContractsFolder.program(program).isEmpty()) {
      Assumptions.abort("no " + program + " on the PATH");
    }
  }

  private String succeeds(String... command) throws IOException, InterruptedException {
    Path log = logs.resolve("log");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(RunningChain.folder().path().toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    Map<String, String> environment = builder.environment();
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    environment.put("MAVEN_ARGUMENTS", mavenArguments());
    environment.put("FORCE_COLOR", "0");
    environment.put("NO_COLOR", "1");
    Process process = builder.start();
    try {
      assertThat(process.waitFor(MINUTES_MAX, TimeUnit.MINUTES))
          .as("%s ended within %d min", List.of(command), MINUTES_MAX)
          .isTrue();
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    String out = Files.readString(log);
    assertThat(process.exitValue()).as("%s:%n%s", List.of(command), out).isZero();
    return out;
  }

  /** As the Maven that runs these tests. */
  private static String mavenArguments() {
    String repository = System.getProperty("openlora.maven.repository", "");
    boolean isOffline = System.getProperty("openlora.maven.offline", "").endsWith("=true");
    return (isOffline ? "-o " : "")
        + (repository.isEmpty() ? "" : "-Dmaven.repo.local=" + repository);
  }
}
