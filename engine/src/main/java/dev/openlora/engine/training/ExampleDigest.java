package dev.openlora.engine.training;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** SHA-256 of examples, by content. */
final class ExampleDigest {
  private ExampleDigest() {}

  /** Hex, over ids and flags of all, in order. */
  static String of(List<Example> examples) {
    MessageDigest digest = sha256();
    for (Example example : examples) {
      int[] ids = example.ids();
      ByteBuffer bytes = ByteBuffer.allocate(4 + 5 * ids.length).putInt(ids.length);
      for (int i = 0; i < ids.length; i++) {
        bytes.putInt(ids[i]).put((byte) (example.learned()[i] ? 1 : 0));
      }
      digest.update(bytes.array());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** The first eight bytes over a seed and the ids. */
  static long of(long seed, int[] ids) {
    ByteBuffer bytes = ByteBuffer.allocate(8 + 4 * ids.length).putLong(seed);
    for (int id : ids) {
      bytes.putInt(id);
    }
    return ByteBuffer.wrap(sha256().digest(bytes.array())).getLong();
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
