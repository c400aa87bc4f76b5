package dev.openlora.server.cli;

import dev.openlora.settlement.chain.DeploymentTerms;
import dev.openlora.settlement.proof.Address;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * The terms of a deployment as YAML. Addresses and amounts are quoted strings, delays whole
 * seconds; every field but {@code asset} and {@code permit2} is required, and no other is taken.
 */
final class TermsFile {
  private static final int BYTES_MAX = 64 * 1024;
  private static final Set<String> FIELDS =
      Set.of(
          "asset",
          "owner",
          "operator",
          "arbiter",
          "permit2",
          "treasury",
          "withdrawDelaySeconds",
          "disputeWindowSeconds",
          "resolvePeriodSeconds",
          "abandonDelaySeconds",
          "unbondingDelaySeconds",
          "disputeBond",
          "slashBps",
          "reporterBps");

  private final JsonNode root;

  private TermsFile(JsonNode root) {
    this.root = root;
  }

  static DeploymentTerms read(Path file) throws IOException {
    if (Files.size(file) > BYTES_MAX) {
      throw new IllegalArgumentException(
          "terms: " + Files.size(file) + " bytes (expected: at most " + BYTES_MAX + ")");
    }
    JsonNode root;
    try {
      root = new YAMLMapper().readTree(Files.readString(file));
    } catch (JacksonException e) {
      throw new IllegalArgumentException("terms: " + e.getOriginalMessage(), e);
    }
    return new TermsFile(root).terms();
  }

  private DeploymentTerms terms() {
    if (!root.isObject()) {
      throw new IllegalArgumentException(
          "terms: no fields (expected: " + new TreeSet<>(FIELDS) + ")");
    }
    for (String name : root.propertyNames()) {
      if (!FIELDS.contains(name)) {
        throw new IllegalArgumentException(
            "terms." + name + ": unknown (expected: " + new TreeSet<>(FIELDS) + ")");
      }
    }
    return new DeploymentTerms(
        address("asset", Address.ZERO),
        address("owner", null),
        address("operator", null),
        address("arbiter", null),
        address("permit2", Address.ZERO),
        address("treasury", null),
        new DeploymentTerms.Delays(
            seconds("withdrawDelaySeconds"),
            seconds("disputeWindowSeconds"),
            seconds("resolvePeriodSeconds"),
            seconds("abandonDelaySeconds"),
            seconds("unbondingDelaySeconds")),
        amount("disputeBond"),
        whole("slashBps").intValue(),
        whole("reporterBps").intValue());
  }

  private Address address(String field, @Nullable Address otherwise) {
    JsonNode value = root.path(field);
    if (value.isMissingNode() && otherwise != null) {
      return otherwise;
    }
    if (!value.isString()) {
      throw wrong(field, value, "an address in quotes");
    }
    try {
      return Address.parse(value.asString());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("terms." + field + ": " + e.getMessage(), e);
    }
  }

  private Duration seconds(String field) {
    return Duration.ofSeconds(whole(field));
  }

  private Long whole(String field) {
    JsonNode value = root.path(field);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asLong() < 0) {
      throw wrong(field, value, "a whole number from 0");
    }
    return value.asLong();
  }

  private BigInteger amount(String field) {
    JsonNode value = root.path(field);
    if (!value.isString() || !value.asString().matches("[0-9]{1,30}")) {
      throw wrong(field, value, "digits in quotes, in the smallest unit of the asset");
    }
    return new BigInteger(value.asString());
  }

  private static IllegalArgumentException wrong(String field, JsonNode value, String expected) {
    return new IllegalArgumentException(
        "terms."
            + field
            + ": "
            + (value.isMissingNode() ? "missing" : value.toString())
            + " (expected: "
            + expected
            + ")");
  }
}
