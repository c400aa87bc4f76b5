package dev.openlora.server.admission;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The keys that callers show as {@code Authorization: Bearer …}. Only digests are kept, all of them
 * are compared on every request and none is ever printed, so that neither time nor a log tells a
 * key. An admin key is also an API key. Without any key nobody is asked, which is allowed on
 * loopback only. Any thread.
 */
public final class AccessKeys {
  /** What a caller may do. */
  public enum Verdict {
    ALLOWED,
    /** No key, or an unknown one. */
    UNAUTHORIZED,
    /** A key that does not reach this far. */
    FORBIDDEN
  }

  private static final int KEY_CHARACTERS_MIN = 8;

  private final List<byte[]> api;
  private final List<byte[]> admin;
  private final boolean metricsOpen;

  /**
   * @param metricsOpen whether {@code /metrics} is readable without a key, as scrapers of the
   *     Gateway API Inference Extension need it
   */
  public AccessKeys(List<String> apiKeys, List<String> adminKeys, boolean metricsOpen) {
    this.api = apiKeys.stream().map(key -> checkedDigest("API key", key)).toList();
    this.admin = adminKeys.stream().map(key -> checkedDigest("admin key", key)).toList();
    this.metricsOpen = metricsOpen;
  }

  /** Nobody is asked for a key. */
  public static AccessKeys none() {
    return new AccessKeys(List.of(), List.of(), true);
  }

  /**
   * @throws IllegalArgumentException when callers from other machines could use this server without
   *     a key
   */
  public void checkBind(InetAddress address) {
    if (api.isEmpty() && !address.isLoopbackAddress()) {
      throw new IllegalArgumentException(
          "bind address: "
              + address.getHostAddress()
              + " is reachable from other machines and no API key is configured"
              + " (expected: at least one API key, or a loopback address)");
    }
  }

  public Verdict check(Access access, @Nullable String authorization) {
    boolean isAdmin = matches(admin, authorization);
    boolean isApi = matches(api, authorization) || isAdmin;
    return switch (access) {
      case OPEN -> Verdict.ALLOWED;
      case API -> api.isEmpty() || isApi ? Verdict.ALLOWED : Verdict.UNAUTHORIZED;
      case METRICS ->
          metricsOpen || api.isEmpty() || isApi ? Verdict.ALLOWED : Verdict.UNAUTHORIZED;
      case ADMIN -> {
        if (isAdmin || (api.isEmpty() && admin.isEmpty())) {
          yield Verdict.ALLOWED;
        }
        yield isApi || admin.isEmpty() ? Verdict.FORBIDDEN : Verdict.UNAUTHORIZED;
      }
    };
  }

  @Override
  public String toString() {
    return "AccessKeys[" + api.size() + " API, " + admin.size() + " admin]";
  }

  private static boolean matches(List<byte[]> keys, @Nullable String authorization) {
    String prefix = "bearer ";
    boolean bearer =
        authorization != null && authorization.toLowerCase(Locale.ROOT).startsWith(prefix);
    byte[] shown =
        digest(
            bearer && authorization != null
                ? authorization.substring(prefix.length()).strip()
                : "");
    boolean found = false;
    for (byte[] key : keys) {
      found |= MessageDigest.isEqual(key, shown);
    }
    return found;
  }

  private static byte[] checkedDigest(String what, String key) {
    if (key.strip().length() < KEY_CHARACTERS_MIN || !key.equals(key.strip())) {
      throw new IllegalArgumentException(
          what
              + ": "
              + key.length()
              + " characters (expected: at least "
              + KEY_CHARACTERS_MIN
              + ", without blanks around)");
    }
    return digest(key);
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
