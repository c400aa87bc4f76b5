package dev.openlora.engine.model;

import java.io.IOException;

/** A base model that is not served, and why: names the file and the key or tensor. */
public class ModelException extends IOException {
  private static final long serialVersionUID = 1L;

  public ModelException(String message) {
    super(message);
  }
}
