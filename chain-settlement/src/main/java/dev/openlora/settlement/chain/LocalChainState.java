package dev.openlora.settlement.chain;

import dev.openlora.settlement.proof.Address;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * A local chain that runs on its own: who it is, and what stands on it.
 *
 * @param startedAt when its process began, as the system told; empty if it did not
 */
public record LocalChainState(
    long pid, String startedAt, String rpc, LocalChain.Contracts contracts) {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** Replaces the file in one step. */
  public void write(Path file) throws IOException {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("pid", pid);
    json.put("startedAt", startedAt);
    json.put("rpc", rpc);
    json.put("chainId", contracts.nativeCoin().chainId());
    json.put("native", addresses(contracts.nativeCoin()));
    json.put("erc20", addresses(contracts.erc20()));
    json.put("token", contracts.token().toString());
    Path next = file.resolveSibling(file.getFileName() + ".next");
    Files.writeString(next, JSON.writeValueAsString(json) + "\n");
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static Map<String, String> addresses(Deployment deployment) {
    Map<String, String> json = new LinkedHashMap<>();
    json.put("settlement", deployment.settlement().toString());
    json.put("prices", deployment.prices().toString());
    json.put("bond", deployment.bond().toString());
    return json;
  }

  /** Empty when there is no such file. */
  public static Optional<LocalChainState> read(Path file) throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(Files.readString(file));
      long chainId = json.required("chainId").asLong();
      return Optional.of(
          new LocalChainState(
              json.required("pid").asLong(),
              json.required("startedAt").asString(),
              json.required("rpc").asString(),
              new LocalChain.Contracts(
                  deployment(chainId, json.required("native")),
                  deployment(chainId, json.required("erc20")),
                  Address.parse(json.required("token").asString()))));
    } catch (JacksonException | IllegalArgumentException e) {
      throw new ChainException(
          file + ": " + e.getMessage() + " (expected: what chain start wrote; delete it)", e);
    }
  }

  private static Deployment deployment(long chainId, JsonNode json) {
    return new Deployment(
        chainId,
        Address.parse(json.required("settlement").asString()),
        Address.parse(json.required("prices").asString()),
        Address.parse(json.required("bond").asString()));
  }

  /** Whether its very process still runs; another one with its id does not count. */
  public boolean isAlive() {
    return process().isPresent();
  }

  private Optional<ProcessHandle> process() {
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .filter(process ->
            process.info().startInstant().map(Object::toString).orElse("").equals(startedAt));
  }

  public Rpc connect() {
    return Rpc.open(
        URI.create(rpc),
        () -> isAlive() ? Optional.empty() : Optional.of("process " + pid + " is gone"));
  }

  /** Ends it and waits until it is gone; false if it was gone already. */
  public boolean stop() {
    Optional<ProcessHandle> process = process();
    process.ifPresent(running -> new Anvil(running, URI.create(rpc), Path.of("")).stop());
    return process.isPresent();
  }
}
