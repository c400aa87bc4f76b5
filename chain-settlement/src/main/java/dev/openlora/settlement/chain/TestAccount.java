package dev.openlora.settlement.chain;

import java.util.Locale;

/** The people of a local chain. Everybody knows their keys. */
public enum TestAccount {
  DEPLOYER,
  OWNER,
  OPERATOR,
  ARBITER,
  TREASURY,
  DISPUTER,
  STAKER_1,
  STAKER_2,
  PAYER_1,
  PAYER_2,
  PAYER_3,
  MODEL_OWNER,
  HOST,
  CONTRIBUTOR_1,
  CONTRIBUTOR_2,
  CONTRIBUTOR_3;

  public Key key() {
    return Keys.ALL[ordinal()];
  }

  /** As in {@code payer-1}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Derived once, when first asked for: each takes thousands of hashes. */
  private static final class Keys {
    private static final Key[] ALL = new Key[TestAccount.values().length];

    static {
      for (int i = 0; i < ALL.length; i++) {
        ALL[i] = Key.ofMnemonic(Anvil.TEST_MNEMONIC, i);
      }
    }
  }
}
