package dev.openlora.settlement.proof;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import org.bouncycastle.crypto.digests.KeccakDigest;

/** Ethereum's hash, over bytes or over the 32-byte words that Solidity's abi.encode would make. */
final class Keccak {
  private static final int BITS = 256;

  private Keccak() {}

  static byte[] hash(byte[] message) {
    KeccakDigest digest = new KeccakDigest(BITS);
    digest.update(message, 0, message.length);
    byte[] out = new byte[Bytes32.LENGTH];
    digest.doFinal(out, 0);
    return out;
  }

  static Bytes32 of(byte[] message) {
    return Bytes32.of(hash(message));
  }

  static Bytes32 of(String ascii) {
    return of(ascii.getBytes(StandardCharsets.US_ASCII));
  }

  /** Static values of an abi.encode, one word each. */
  static final class Words {
    private final byte[] words;
    private int used;

    Words(int count) {
      words = new byte[count * Bytes32.LENGTH];
    }

    Words add(Bytes32 value) {
      value.copyTo(words, used);
      used += Bytes32.LENGTH;
      return this;
    }

    Words add(Address value) {
      value.copyTo(words, used + Bytes32.LENGTH - Address.LENGTH);
      used += Bytes32.LENGTH;
      return this;
    }

    /** An unsigned number; whoever made it has checked its range. */
    Words add(BigInteger value) {
      byte[] bytes = value.toByteArray();
      int from = bytes.length > Bytes32.LENGTH ? 1 : 0;
      int length = bytes.length - from;
      System.arraycopy(bytes, from, words, used + Bytes32.LENGTH - length, length);
      used += Bytes32.LENGTH;
      return this;
    }

    /** A uint64 in the bits of a long. */
    Words add(long value) {
      for (int i = 0; i < Long.BYTES; i++) {
        words[used + Bytes32.LENGTH - 1 - i] = (byte) (value >>> (8 * i));
      }
      used += Bytes32.LENGTH;
      return this;
    }

    Bytes32 hash() {
      if (used != words.length) {
        throw new IllegalStateException(
            "words: "
                + used / Bytes32.LENGTH
                + " (expected: "
                + words.length / Bytes32.LENGTH
                + ")");
      }
      return Keccak.of(words);
    }
  }
}
