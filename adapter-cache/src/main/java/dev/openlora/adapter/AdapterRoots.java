package dev.openlora.adapter;

import dev.openlora.adapter.AdapterException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The folders under which adapters may lie. A path that leads out of them, by {@code ..} or by a
 * symbolic link, is forbidden, and the answer is the same whether or not anything lies there.
 * Immutable, any thread.
 */
public final class AdapterRoots {
  private final List<Path> given = new ArrayList<>();
  private final List<Path> real = new ArrayList<>();

  private AdapterRoots() {}

  /** Roots that exist; none allows nothing. */
  public static AdapterRoots of(List<Path> folders) throws IOException {
    AdapterRoots roots = new AdapterRoots();
    for (Path folder : folders) {
      roots.given.add(folder.toAbsolutePath().normalize());
      roots.real.add(folder.toRealPath());
    }
    return roots;
  }

  /** The real path of an adapter's folder; a relative path is looked for under each root. */
  Path folder(Path path) throws AdapterException {
    for (Path part : path) {
      if (part.toString().equals("..")) {
        throw forbidden(path);
      }
    }
    Path found = path.isAbsolute() ? resolve(path, path) : relative(path);
    if (found == null || !Files.isDirectory(found)) {
      throw notFound(path);
    }
    return found;
  }

  /** The real path of a regular file inside an adapter's folder, or null where there is none. */
  @Nullable Path file(Path folder, String name) throws AdapterException {
    Path path = folder.resolve(name);
    Path found = resolve(path, path);
    if (found == null) {
      return null;
    }
    if (!Files.isRegularFile(found)) {
      throw Refusal.invalid(name, "not a regular file");
    }
    return found;
  }

  static AdapterException notFound(Path path) {
    return new AdapterException(
        Reason.NOT_FOUND, "No adapter found for " + Refusal.shown(path.toString()));
  }

  private @Nullable Path relative(Path path) throws AdapterException {
    for (Path root : given) {
      Path found;
      try {
        found = resolve(root.resolve(path), path);
      } catch (InvalidPathException e) {
        return null;
      }
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /** Null where nothing exists. */
  private @Nullable Path resolve(Path path, Path asked) throws AdapterException {
    Path plain = path.normalize();
    if (given.stream().noneMatch(plain::startsWith) && real.stream().noneMatch(plain::startsWith)) {
      throw forbidden(asked);
    }
    try {
      Path found = plain.toRealPath();
      if (real.stream().noneMatch(found::startsWith)) {
        throw forbidden(asked);
      }
      return found;
    } catch (NoSuchFileException e) {
      if (hasLink(plain)) {
        throw forbidden(asked);
      }
      return null;
    } catch (IOException e) {
      throw forbidden(asked);
    }
  }

  /** Whether a link stands on the way below a root; where it leads is not told. */
  private boolean hasLink(Path path) {
    for (Path at = path; at != null; at = at.getParent()) {
      if (given.contains(at) || real.contains(at)) {
        return false;
      }
      if (Files.isSymbolicLink(at)) {
        return true;
      }
    }
    return false;
  }

  private static AdapterException forbidden(Path path) {
    return new AdapterException(
        Reason.FORBIDDEN,
        Refusal.shown(path.toString()) + ": not under a folder that adapters may be loaded from");
  }
}
