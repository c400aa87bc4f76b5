package dev.openlora.server.cli;

/** A command that cannot do what it was asked, in one line for the person who asked. */
public final class CommandFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;

  public CommandFailure(int status, String message) {
    super(message);
    this.status = status;
  }

  /** The exit status: 1 it failed, 2 it was asked wrongly. */
  int status() {
    return status;
  }
}
