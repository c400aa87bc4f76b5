package dev.openlora.settlement.proof;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/** Random receipts, limits and payouts; extreme numbers come up often. */
public final class Draws {
  private final Random random;

  private Draws(long seed) {
    random = new Random(seed);
  }

  /** Prints the seed; {@code -Dtests.seed=…} replays one. */
  public static Draws announced(String test) {
    String given = System.getProperty("tests.seed", "");
    long seed = given.matches("-?[0-9]+") ? Long.parseLong(given) : System.nanoTime();
    System.out.println(test + ": -Dtests.seed=" + seed);
    return new Draws(seed);
  }

  public int below(int bound) {
    return random.nextInt(bound);
  }

  public Bytes32 bytes32() {
    byte[] bytes = new byte[Bytes32.LENGTH];
    if (random.nextInt(10) > 0) {
      random.nextBytes(bytes);
    }
    return Bytes32.of(bytes);
  }

  public Address address() {
    byte[] bytes = new byte[Address.LENGTH];
    random.nextBytes(bytes);
    return Address.of(bytes);
  }

  public BigInteger number(int bits) {
    return switch (random.nextInt(5)) {
      case 0 -> BigInteger.ZERO;
      case 1 -> BigInteger.TWO.pow(bits).subtract(BigInteger.ONE);
      default -> new BigInteger(1 + random.nextInt(bits), random);
    };
  }

  public long uint63() {
    return number(63).longValueExact();
  }

  public Receipt receipt() {
    return new Receipt(
        bytes32(),
        address(),
        bytes32(),
        bytes32(),
        bytes32(),
        bytes32(),
        uint63(),
        uint63(),
        uint63(),
        number(96),
        bytes32(),
        uint63());
  }

  public SpendingLimit limit() {
    return new SpendingLimit(address(), address(), address(), number(96), uint63());
  }

  public List<ReceiptTree.Entry> entries(int count) {
    List<ReceiptTree.Entry> entries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      entries.add(new ReceiptTree.Entry(bytes32(), number(80)));
    }
    return entries;
  }

  public List<Debit> debits(int count) {
    return random
        .ints(count)
        .mapToObj(i ->
            new Debit(
                address(),
                random.nextInt(1 << 30),
                1 + random.nextInt(1 << 20),
                number(96),
                bytes32()))
        .sorted(Comparator.comparing(Debit::payer))
        .toList();
  }

  public TreeMap<Address, BigInteger> payouts(int count) {
    TreeMap<Address, BigInteger> payouts = new TreeMap<>();
    while (payouts.size() < count) {
      payouts.put(address(), number(100));
    }
    return payouts;
  }
}
