package dev.openlora.settlement.chain;

/** Why the settlement refuses a debit, as {@code Types.sol} numbers it. */
public enum Refusal {
  NONE("None"),
  OUT_OF_ORDER("OutOfOrder"),
  COUNT_OUT_OF_RANGE("CountOutOfRange"),
  OVER_DEPOSIT("OverDeposit"),
  EXPIRED("Expired"),
  UNKNOWN_KEY("UnknownKey"),
  BAD_SIGNATURE("BadSignature"),
  OVER_LIMIT("OverLimit");

  private static final Refusal[] BY_NUMBER = values();

  private final String text;

  Refusal(String text) {
    this.text = text;
  }

  static Refusal of(int number) {
    if (number >= BY_NUMBER.length) {
      throw new IllegalArgumentException(
          "refusal: " + number + " (expected: below " + BY_NUMBER.length + ")");
    }
    return BY_NUMBER[number];
  }

  /** As the contract names it. */
  @Override
  public String toString() {
    return text;
  }
}
