package dev.openlora.server.openai;

import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.engine.Engine;
import dev.openlora.server.admission.AccessKeys;
import dev.openlora.server.finetuning.FineTuning;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * What a server is made of. It closes none of them.
 *
 * @param chat null when the model has no chat template
 * @param fineTuning null when there is no folder for it
 * @param bind who can reach the server; anything but loopback needs API keys
 * @param port 0 for any
 */
public record ServerParts(
    Engine engine,
    AdapterRegistry adapters,
    @Nullable ChatRenderer chat,
    @Nullable FineTuning fineTuning,
    ServerLimits limits,
    AccessKeys keys,
    InetAddress bind,
    int port,
    PrometheusMeterRegistry metrics) {
  public ServerParts {
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("port: " + port + " (expected: 0 to 65535)");
    }
  }
}
