package dev.openlora.server.config;

/** A configuration that cannot be used. The message is for the operator, one line. */
public class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ConfigException(String message) {
    super(message);
  }
}
