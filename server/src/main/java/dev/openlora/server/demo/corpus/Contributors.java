package dev.openlora.server.demo.corpus;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * The people of the demonstration who give rows to its Datanets. Nobody holds a key to their
 * addresses: an address is the end of the SHA-256 of a name.
 */
public final class Contributors {
  private static final int ADDRESS_BYTES = 20;

  private static final List<String> NAMES =
      List.of(
          "abena", "bjarne", "chiara", "dilnoza", "emeka", "farida", "goran", "hyeon", "ines",
          "jorge", "kalina", "lamar", "mei", "nikhil", "oksana", "piet", "quynh", "rafael",
          "saoirse", "tariq", "ulla", "valeria", "wanjiru", "xavier", "yuki", "zofia");

  /**
   * A person.
   *
   * @param address 0x and 40 hex digits, as on a chain
   */
  public record Contributor(String name, String address) {}

  /** All of them, in the order of their names. */
  public static final List<Contributor> ALL =
      NAMES.stream().map(name -> new Contributor(name, address(name))).toList();

  private Contributors() {}

  /**
   * Those who wrote for an adapter domain: its own three, and one or two who also write for the
   * next ones. The first three wrote for {@link Domains#LIVE} too.
   */
  public static List<Contributor> of(Domain domain) {
    if (domain.equals(Domains.LIVE)) {
      return ALL.subList(0, 3);
    }
    int number = Domains.ADAPTERS.indexOf(domain);
    if (number < 0) {
      throw new IllegalArgumentException(
          "domain: '" + domain + "' (expected: one of " + Domains.ADAPTERS + ")");
    }
    int first = 3 * number;
    return List.of(
        ALL.get(first),
        ALL.get(first + 1),
        ALL.get(first + 2),
        ALL.get((first + 3) % ALL.size()),
        ALL.get(24 + number % 2));
  }

  static String address(String name) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(("openlora demo contributor " + name).getBytes(StandardCharsets.UTF_8));
      return "0x" + HexFormat.of().formatHex(digest, digest.length - ADDRESS_BYTES, digest.length);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
