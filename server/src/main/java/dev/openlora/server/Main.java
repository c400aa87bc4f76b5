package dev.openlora.server;

import dev.openlora.server.cli.OpenLoraCommand;

/** Where the process begins. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.exit(OpenLoraCommand.run(args));
  }
}
