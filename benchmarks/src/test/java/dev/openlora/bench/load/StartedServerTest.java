package dev.openlora.bench.load;

import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.openlora.bench.process.ServeCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class StartedServerTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void showsTheEndOfTheLogOfAServerThatEnds() throws IOException {
    Path launcher = launcher("echo \"told: $*\"; echo 'model: no config.json'; exit 3");
    Path model = folder.resolve("m");
    List<String> flags = List.of("--adapters", folder.toString(), "--threads", "2");
    assertThatIOException()
        .isThrownBy(() -> StartedServer.start(ServeCommand.of(launcher, model, flags)))
        .withMessageStartingWith("the server ended with status 3:\n")
        .withMessageContaining("told: serve --model " + model + " --host 127.0.0.1 --port ")
        .withMessageContaining(" --adapters " + folder + " --threads 2\n")
        .withMessageEndingWith("model: no config.json");
  }

  @Test
  void wantsEitherAnAddressOrAModel() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> options().check(null, "--url"))
        .withMessage("--url, --model: none (expected: one of them)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> options("--model", "m").check("http://a", "--url"))
        .withMessage("--url, --model: both (expected: one of them)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> options("--adapters", "a").check("http://a", "--url"))
        .withMessage("--adapters, --serve: given (expected: only with --model)");
  }

  private static OwnServer options(String... arguments) {
    OwnServer own = new OwnServer();
    CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();
    spec.addMixin("own", CommandLine.Model.CommandSpec.forAnnotatedObject(own));
    new CommandLine(spec).parseArgs(arguments);
    return own;
  }

  private Path launcher(String script) throws IOException {
    Path launcher = folder.resolve("openlora");
    Files.writeString(launcher, "#!/bin/sh\n" + script + "\n");
    return Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwx------"));
  }
}
