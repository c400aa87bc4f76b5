package dev.openlora.kernels;

/** Where memory lies and operations run: {@code cpu} or {@code cuda:0}. */
public record Device(Kind kind, int index) {
  public static final Device CPU = new Device(Kind.CPU, 0);

  /** The kinds of device. */
  public enum Kind {
    CPU,
    CUDA
  }

  public Device {
    if (index < 0 || (kind == Kind.CPU && index != 0)) {
      throw new IllegalArgumentException(
          "device index: " + index + " (expected: 0.. for cuda, 0 for cpu)");
    }
  }

  /** Reads {@code cpu}, {@code cuda} or {@code cuda:N}. */
  public static Device parse(String text) {
    if (text.equals("cpu")) {
      return CPU;
    }
    if (text.equals("cuda")) {
      return new Device(Kind.CUDA, 0);
    }
    if (text.matches("cuda:[0-9]{1,3}")) {
      return new Device(Kind.CUDA, Integer.parseInt(text.substring(5)));
    }
    throw new IllegalArgumentException("device: '" + text + "' (expected: cpu, cuda or cuda:N)");
  }

  @Override
  public String toString() {
    return kind == Kind.CPU ? "cpu" : "cuda:" + index;
  }
}
