package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The C++ kernels touch nothing but their arguments: random calls in memory whose neighbour pages
 * are forbidden, in a JVM of their own. What it wrote last names the call that ended it; {@code
 * -Dtests.seed=} replays it.
 */
final class CpuMemoryTest {
  private static final int ROUNDS = 25;

  /** Runs the calls; arguments: instruction set, side, seed. */
  static final class Calls {
    private Calls() {}

    public static void main(String[] arguments) throws IOException {
      CpuIsa isa = CpuIsa.valueOf(arguments[0]);
      GuardedMemory.Side side = GuardedMemory.Side.valueOf(arguments[1]);
      long seed = Long.parseLong(arguments[2]);
      for (int round = 0; round < ROUNDS; round++) {
        for (RandomKernels.Operation operation : RandomKernels.Operation.values()) {
          System.out.println(operation + " -Dtests.seed=" + (seed + round));
          // A weight's packed form is kept by its address, and addresses come again.
          try (CpuOps ops = CpuUnderTest.openGuarded(isa, 1 + round % 3, side)) {
            RandomKernels.run(ops, operation, seed + round);
          }
        }
      }
    }
  }

  /** Ends as a kernel would that reads one byte too many. */
  static final class Trespasser {
    private Trespasser() {}

    public static void main(String[] arguments) throws IOException {
      GuardedMemory.Side side = GuardedMemory.Side.valueOf(arguments[0]);
      try (CpuOps ops = CpuUnderTest.openGuarded(CpuIsa.AMX_BF16, 1, side);
          TensorArena arena = ops.newArena("trespassed")) {
        Tensor inside = arena.allocate(DType.F32, 1, 33);
        int step = side == GuardedMemory.Side.BEHIND ? 1 : -1;
        ops.add(arena.allocate(DType.F32, 1, 33), inside);
        System.out.println("inside");
        ops.add(
            arena.allocate(DType.F32, 1, 33),
            inside.view(step, new long[] {1, 33}, new long[] {33, 1}));
        System.out.println("outside");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(GuardedMemory.Side.class)
  void aTouchOfTheForbiddenPageEndsTheProcess(GuardedMemory.Side side) throws Exception {
    String output = ChildJvm.run(Trespasser.class, side.name());
    assertThat(output).startsWith("inside\n").doesNotContain("outside").doesNotContain("exit 0");
  }

  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void touchesNothingBehindATensor(CpuIsa isa) throws Exception {
    calls(isa, GuardedMemory.Side.BEHIND);
  }

  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void touchesNothingBeforeATensor(CpuIsa isa) throws Exception {
    calls(isa, GuardedMemory.Side.BEFORE);
  }

  private static void calls(CpuIsa isa, GuardedMemory.Side side) throws Exception {
    long seed = KernelSeeds.next("CpuMemoryTest " + isa + " " + side);
    String output = ChildJvm.run(Calls.class, isa.name(), side.name(), Long.toString(seed));
    String end = output.substring(Math.max(0, output.length() - 4000));
    assertThat(end).as("%s, %s", isa, side).endsWith("\nexit 0");
  }

  /** The same calls in plain memory. */
  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void agreesWithTheTwinInAnyShape(CpuIsa isa) throws IOException {
    long seed = KernelSeeds.next("CpuMemoryTest " + isa);
    for (int round = 0; round < ROUNDS; round++) {
      for (RandomKernels.Operation operation : RandomKernels.Operation.values()) {
        try (CpuOps ops = CpuUnderTest.openOverReference(isa, 1 + round % 3)) {
          RandomKernels.run(ops, operation, seed + round);
        }
      }
    }
  }
}
