package dev.openlora.attribution.lineage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RowsRootTest {
  @Test
  void refusesAnIdOfAnotherLength() {
    assertThatThrownBy(() -> RowsRoot.of(List.of(new byte[31])))
        .hasMessage("id: 31 bytes (expected: 32)");
  }

  @Test
  void isTheDigestOfNothingWithoutRows() throws Exception {
    assertThat(RowsRoot.of(List.of())).isEqualTo(hex(sha256()));
  }

  @Test
  void hashesLeavesAndNodesApart() throws Exception {
    byte[] one = new byte[32];
    byte[] two = new byte[32];
    two[0] = (byte) 0x80; // larger than 0 only when bytes are unsigned
    byte[] three = new byte[32];
    three[0] = (byte) 0xFF;
    byte[] zero = {0};
    byte[] node = {1};
    byte[] left = sha256(node, sha256(zero, one), sha256(zero, two));

    assertThat(RowsRoot.of(List.of(one))).isEqualTo(hex(sha256(zero, one)));
    assertThat(RowsRoot.of(List.of(three, two, one)))
        .isEqualTo(hex(sha256(node, left, sha256(zero, three))));
  }

  @Test
  void doesNotDependOnTheOrderButOnEveryRow() {
    List<byte[]> ids = new ArrayList<>();
    Random random = new Random(5);
    for (int i = 0; i < 37; i++) {
      ids.add(new byte[32]);
      random.nextBytes(ids.getLast());
    }
    String root = RowsRoot.of(ids);
    Collections.shuffle(ids, random);
    assertThat(RowsRoot.of(ids)).isEqualTo(root);

    ids.add(ids.getFirst());
    assertThat(RowsRoot.of(ids)).isNotEqualTo(root);
    ids.removeLast();
    ids.removeLast();
    assertThat(RowsRoot.of(ids)).isNotEqualTo(root);
  }

  private static byte[] sha256(byte[]... parts) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    for (byte[] part : parts) {
      digest.update(part);
    }
    return digest.digest();
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
