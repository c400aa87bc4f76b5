package dev.openlora.settlement.chain;

import dev.openlora.settlement.proof.Address;
import dev.openlora.settlement.proof.Bytes32;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import org.web3j.crypto.Bip32ECKeyPair;
import org.web3j.crypto.Credentials;
import org.web3j.crypto.ECKeyPair;
import org.web3j.crypto.MnemonicUtils;
import org.web3j.crypto.Sign;
import org.web3j.utils.Numeric;

/** A private key. Never shown. Immutable; any thread. */
public final class Key {
  private static final Set<PosixFilePermission> OTHERS =
      EnumSet.complementOf(
          EnumSet.of(
              PosixFilePermission.OWNER_READ,
              PosixFilePermission.OWNER_WRITE,
              PosixFilePermission.OWNER_EXECUTE));
  private static final int FILE_BYTES_MAX = 1024;

  private final Credentials credentials;

  private Key(Credentials credentials) {
    this.credentials = credentials;
  }

  /**
   * @param hex 64 hexadecimal digits, 0x or not
   */
  public static Key parse(String hex) {
    String digits = hex.startsWith("0x") ? hex.substring(2) : hex;
    if (!digits.matches("[0-9a-fA-F]{64}") || digits.matches("0{64}")) {
      throw new IllegalArgumentException(
          "key: " + digits.length() + " characters (expected: 64 hexadecimal digits, not all 0)");
    }
    return new Key(Credentials.create(digits));
  }

  /** Reads a file that holds the key's digits and that only its owner can read. */
  public static Key read(Path file) throws IOException {
    Set<PosixFilePermission> open = EnumSet.copyOf(OTHERS);
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
    open.retainAll(permissions);
    if (!open.isEmpty()) {
      throw new IllegalArgumentException(
          "key file: "
              + file
              + " is "
              + PosixFilePermissions.toString(permissions)
              + " (expected: for its owner alone; chmod 600)");
    }
    if (Files.size(file) > FILE_BYTES_MAX) {
      throw new IllegalArgumentException(
          "key file: " + Files.size(file) + " bytes (expected: 64 hexadecimal digits)");
    }
    return parse(Files.readString(file).strip());
  }

  /** Account {@code index} of a mnemonic, on Ethereum's usual path m/44'/60'/0'/0/index. */
  static Key ofMnemonic(String mnemonic, int index) {
    Bip32ECKeyPair master =
        Bip32ECKeyPair.generateKeyPair(MnemonicUtils.generateSeed(mnemonic, ""));
    int hardened = Bip32ECKeyPair.HARDENED_BIT;
    int[] path = {44 | hardened, 60 | hardened, hardened, 0, index};
    return new Key(Credentials.create(Bip32ECKeyPair.deriveKeyPair(master, path)));
  }

  public Address address() {
    return Address.parse(credentials.getAddress());
  }

  public Signature sign(Bytes32 digest) {
    ECKeyPair pair = credentials.getEcKeyPair();
    Sign.SignatureData signed = Sign.signMessage(digest.bytes(), pair, false);
    return new Signature(
        Bytes32.of(signed.getR()),
        Bytes32.of(signed.getS()),
        Numeric.toBigInt(signed.getV()).intValueExact() - 27);
  }

  Credentials credentials() {
    return credentials;
  }

  @Override
  public String toString() {
    return "the key of " + address();
  }
}
