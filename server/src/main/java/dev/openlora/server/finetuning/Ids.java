package dev.openlora.server.finetuning;

import java.security.SecureRandom;

/** Names that nobody can guess: they are file names too, so only letters and digits. Any thread. */
final class Ids {
  private static final String LETTERS =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  private static final int LENGTH = 24;
  private static final SecureRandom RANDOM = new SecureRandom();

  private Ids() {}

  static String of(String kind) {
    return kind + "-" + random(LENGTH);
  }

  static String random(int length) {
    StringBuilder name = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      name.append(LETTERS.charAt(RANDOM.nextInt(LETTERS.length())));
    }
    return name.toString();
  }
}
