package dev.openlora.kernels;

import dev.openlora.kernels.TrainingLanes.Lane;
import dev.openlora.kernels.TrainingOps.AttentionTape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Attention within sequences, there and back. Rows are cut into blocks: some of a long sequence, or
 * several short ones together. A block reads the keys from the first that its rows see to its last
 * row, and the query heads that are first, second and so on of their key head are each one batched
 * product. Nothing is packed or padded: the products read and write strided views of the caller's
 * tensors. The softmax between them looks at the visible scores of a row only, so hidden ones cost
 * a product and no exponential; their shares are 0, so that of another sequence in the block
 * nothing comes through but what is not finite.
 *
 * <p>Lanes share out the key heads, or the sequences where that comes out more even; either way no
 * two lanes write the same row of a head. A block's scores are at most {@value #BLOCK_FLOATS_MAX}
 * floats (or one row), and a call keeps at most {@value #TAPE_FLOATS_MAX}: the shares of a larger
 * one are computed again on the way back, to the same bits.
 */
final class TorchTrainingAttention {
  static final int BLOCK_FLOATS_MAX = 1 << 18;
  static final int TAPE_FLOATS_MAX = 1 << 24;
  private static final int TOGETHER_ROWS_MAX = 64;
  private static final int SOFTMAX_FLOATS = 2048;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final Torch torch;
  private final TrainingLanes lanes;

  TorchTrainingAttention(Torch torch, TrainingLanes lanes) {
    this.torch = torch;
    this.lanes = lanes;
  }

  /** What is the same for all heads of a call. */
  private record Heads(int kvHeads, int group, int size) {
    Heads(Tensor q, Tensor k) {
      this(
          Math.toIntExact(k.size(1)),
          Math.toIntExact(q.size(1) / k.size(1)),
          Math.toIntExact(q.size(2)));
    }
  }

  /**
   * Rows that are worked on together.
   *
   * @param shares where the block's shares are on the tape: [group, kvHeads, rows, keys]
   */
  private record Block(int firstRow, int rows, int firstKey, int keys, long shares) {
    int scores() {
      return rows * keys;
    }
  }

  /**
   * A call cut into blocks.
   *
   * @param firstKeys of each row, the first row that it sees
   * @param shares floats of all blocks
   * @param byHead whether the lanes' bounds count key heads, and not blocks
   */
  private record Cut(
      List<Block> blocks, int[] firstKeys, long shares, boolean byHead, int[] bounds) {}

  private record Tape(Tensor shares, Cut cut, long[] queryShape, long[] keyShape, float scale)
      implements AttentionTape {
    /** Null where there were too many shares to keep. */
    @Nullable Tensor kept() {
      shares.checkAlive();
      return shares.elements() == cut.shares() ? shares : null;
    }
  }

  @Nullable AttentionTape attend(
      Tensor out,
      Tensor q,
      Tensor k,
      Tensor v,
      int[] starts,
      float scale,
      int window,
      @Nullable TensorArena arena) {
    Cut cut = cut(new Heads(q, k), starts, window);
    Tape tape = null;
    if (arena != null) {
      Tensor shares = arena.allocate(DType.F32, cut.shares() > TAPE_FLOATS_MAX ? 0 : cut.shares());
      tape = new Tape(shares, cut, q.shape(), k.shape(), scale);
    }
    Tensor kept = tape == null ? null : tape.kept();
    run(cut, q, k, v, scale, kept, share -> share.forward(out));
    return tape;
  }

  void attendBackward(
      AttentionTape tape,
      Tensor dQ,
      Tensor dK,
      Tensor dV,
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v) {
    if (!(tape instanceof Tape own)) {
      throw TrainingShapes.foreignTape();
    }
    TrainingShapes.attentionBackward(own.queryShape(), own.keyShape(), dQ, dK, dV, dOut, q, k, v);
    Tensor kept = own.kept();
    run(own.cut(), q, k, v, own.scale(), kept, share -> share.backward(dQ, dK, dV, dOut));
  }

  private interface Work {
    void run(Share share);
  }

  private void run(
      Cut cut, Tensor q, Tensor k, Tensor v, float scale, @Nullable Tensor kept, Work work) {
    if (q.elements() == 0) {
      return;
    }
    Heads heads = new Heads(q, k);
    lanes.runAlone(
        cut.bounds(),
        (lane, from, to) -> {
          List<Block> blocks = cut.byHead() ? cut.blocks() : cut.blocks().subList(from, to);
          int firstHead = cut.byHead() ? from : 0;
          int endHead = cut.byHead() ? to : heads.kvHeads();
          work.run(new Share(lane, heads, cut, blocks, firstHead, endHead, q, k, v, scale, kept));
        });
  }

  private Cut cut(Heads heads, int[] starts, int window) {
    int sequences = starts.length - 1;
    int[] firstKeys = new int[starts[sequences]];
    for (int s = 0; s < sequences; s++) {
      for (int row = starts[s]; row < starts[s + 1]; row++) {
        firstKeys[row] = window == 0 ? starts[s] : Math.max(starts[s], row - window + 1);
      }
    }
    List<Block> blocks = new ArrayList<>();
    List<Integer> groups = new ArrayList<>(List.of(0));
    long shares = 0;
    for (int s = 0; s < sequences; ) {
      int end = s + 1;
      while (end < sequences && starts[end + 1] - starts[s] <= TOGETHER_ROWS_MAX) {
        end++;
      }
      int rowsMax = rowsMax(heads, starts[end] - starts[s], window);
      for (int row = starts[s]; row < starts[end]; row += rowsMax) {
        int rows = Math.min(rowsMax, starts[end] - row);
        int keys = row + rows - firstKeys[row];
        blocks.add(new Block(row, rows, firstKeys[row], keys, shares));
        shares += (long) heads.group() * heads.kvHeads() * rows * keys;
      }
      groups.add(blocks.size());
      s = end;
    }
    int[] byHead = evenly(heads.kvHeads());
    int[] byGroup = byGroup(blocks, groups);
    long byHeadMost = (heads.kvHeads() + lanes.count() - 1) / lanes.count();
    long byGroupMost = 0;
    for (int i = 0; i + 1 < byGroup.length; i++) {
      byGroupMost = Math.max(byGroupMost, scores(blocks, byGroup[i], byGroup[i + 1]));
    }
    boolean chosen = scores(blocks, 0, blocks.size()) * byHeadMost <= byGroupMost * heads.kvHeads();
    return new Cut(List.copyOf(blocks), firstKeys, shares, chosen, chosen ? byHead : byGroup);
  }

  /** As many rows as leave a block within its bound, whatever the keys before them. */
  private static int rowsMax(Heads heads, int length, int window) {
    if (length <= TOGETHER_ROWS_MAX) {
      return TOGETHER_ROWS_MAX;
    }
    long perKey = (long) BLOCK_FLOATS_MAX / heads.kvHeads();
    long seen = window == 0 ? length : Math.min(length, window + TOGETHER_ROWS_MAX);
    return (int) Math.clamp(perKey / seen, 1, TOGETHER_ROWS_MAX);
  }

  private int[] evenly(int count) {
    int shares = Math.min(count, lanes.count());
    int[] bounds = new int[shares + 1];
    for (int i = 0; i <= shares; i++) {
      bounds[i] = count * i / shares;
    }
    return bounds;
  }

  /** A sequence's blocks stay in one lane, as they add to the same gradients. */
  private int[] byGroup(List<Block> blocks, List<Integer> groups) {
    int shares = lanes.count();
    long all = scores(blocks, 0, blocks.size());
    int[] bounds = new int[shares + 1];
    int group = 0;
    for (int i = 1; i < shares; i++) {
      while (group + 1 < groups.size() && scores(blocks, 0, groups.get(group)) * shares < all * i) {
        group++;
      }
      bounds[i] = groups.get(group);
    }
    bounds[shares] = blocks.size();
    return bounds;
  }

  private static long scores(List<Block> blocks, int from, int to) {
    long scores = 0;
    for (Block block : blocks.subList(from, to)) {
      scores += block.scores();
    }
    return scores;
  }

  /** What one lane does of a call: some blocks of the key heads from one to another. */
  private final class Share {
    private final Lane lane;
    private final Heads heads;
    private final Cut cut;
    private final List<Block> blocks;
    private final int firstHead;
    private final int count;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final float scale;
    private final @Nullable Tensor kept;

    Share(
        Lane lane,
        Heads heads,
        Cut cut,
        List<Block> blocks,
        int firstHead,
        int endHead,
        Tensor q,
        Tensor k,
        Tensor v,
        float scale,
        @Nullable Tensor kept) {
      this.lane = lane;
      this.heads = heads;
      this.cut = cut;
      this.blocks = blocks;
      this.firstHead = firstHead;
      this.count = endHead - firstHead;
      this.q = q;
      this.k = k;
      this.v = v;
      this.scale = scale;
      this.kept = kept;
    }

    void forward(Tensor out) {
      long scratch = kept == null ? scratch() : 0;
      for (Block block : blocks) {
        long values = keys(v, block);
        long turnedKeys = turnedKeys(k, block);
        for (int g = 0; g < heads.group(); g++) {
          long shares = kept == null ? scratch : onTape(kept, block, g);
          share(block, g, turnedKeys, shares);
          torch.bmm(queries(out, block, g), scores(block, shares), values);
        }
        lane.passing().freeAll(torch);
      }
    }

    void backward(Tensor dQ, Tensor dK, Tensor dV, Tensor dOut) {
      long scratch = kept == null ? scratch() : 0;
      long gradients = scratch();
      for (Block block : blocks) {
        long ownKeys = keys(k, block);
        long turnedKeys = turnedKeys(k, block);
        long turnedValues = turnedKeys(v, block);
        long forKeys = keys(dK, block);
        long forValues = keys(dV, block);
        for (int g = 0; g < heads.group(); g++) {
          long shares = kept == null ? scratch : onTape(kept, block, g);
          if (kept == null) {
            share(block, g, turnedKeys, shares);
          }
          long forOut = queries(dOut, block, g);
          long forScores = scores(block, gradients);
          torch.bmm(forScores, forOut, turnedValues);
          torch.baddbmm(forValues, forValues, turnedScores(block, shares), forOut, 1, 1);
          softmaxBackward(block, shares, gradients);
          long forQueries = queries(dQ, block, g);
          torch.baddbmm(forQueries, forQueries, forScores, ownKeys, 1, 1);
          long turned = turnedScores(block, gradients);
          torch.baddbmm(forKeys, forKeys, turned, queries(q, block, g), 1, 1);
        }
        lane.passing().freeAll(torch);
      }
    }

    /** Memory for the scores of any block, one query head of each key head. */
    private long scratch() {
      long most = 0;
      for (Block block : blocks) {
        most = Math.max(most, block.scores());
      }
      return lane.scratch().allocate(DType.F32, count * most).address();
    }

    private long onTape(Tensor tape, Block block, int g) {
      long head = (long) g * heads.kvHeads() + firstHead;
      return tape.address() + 4 * (block.shares() + head * block.scores());
    }

    private void share(Block block, int g, long turnedKeys, long shares) {
      long scores = scores(block, shares);
      torch.baddbmm(scores, scores, queries(q, block, g), turnedKeys, 0, scale);
      softmax(block, shares);
    }

    /** Takes several rows at a time, as exponentials are dear in small numbers. */
    private void softmax(Block block, long shares) {
      MemorySegment memory = memory(block, shares);
      int all = count * block.rows();
      float[] visible = lane.floats(0, SOFTMAX_FLOATS + block.keys());
      int[] powers = lane.ints(SOFTMAX_FLOATS + block.keys());
      for (int first = 0, end; first < all; first = end) {
        int used = 0;
        for (end = first; end < all && used < SOFTMAX_FLOATS; end++) {
          int from = from(block, end % block.rows());
          int n = to(block, end % block.rows()) - from;
          long at = 4L * end * block.keys();
          MemorySegment.copy(memory, FLOAT, at + 4L * from, visible, used, n);
          TrainingLoops.subtract(visible, used, TrainingLoops.largest(visible, used, n), n);
          used += n;
        }
        TrainingLoops.exp(visible, powers, used);
        used = 0;
        for (int i = first; i < end; i++) {
          int from = from(block, i % block.rows());
          int to = to(block, i % block.rows());
          int n = to - from;
          float factor = (float) (1 / TrainingLoops.sum(visible, used, n));
          TrainingLoops.scale(visible, used, factor, n);
          write(memory, 4L * i * block.keys(), visible, used, from, to, block.keys());
          used += n;
        }
      }
    }

    private void softmaxBackward(Block block, long shares, long gradients) {
      MemorySegment kept = memory(block, shares);
      MemorySegment memory = memory(block, gradients);
      float[] share = lane.floats(0, block.keys());
      float[] row = lane.floats(1, block.keys());
      for (int i = 0; i < count * block.rows(); i++) {
        int from = from(block, i % block.rows());
        int to = to(block, i % block.rows());
        long at = 4L * i * block.keys();
        int n = to - from;
        MemorySegment.copy(kept, FLOAT, at + 4L * from, share, 0, n);
        MemorySegment.copy(memory, FLOAT, at + 4L * from, row, 0, n);
        float mean = (float) TrainingLoops.products(share, row, n);
        TrainingLoops.softmaxBackward(row, share, mean, scale, n);
        write(memory, at, row, 0, from, to, block.keys());
      }
    }

    /** The first key that a row of the block sees, from the block's first. */
    private int from(Block block, int row) {
      return cut.firstKeys()[block.firstRow() + row] - block.firstKey();
    }

    private int to(Block block, int row) {
      return block.firstRow() + row + 1 - block.firstKey();
    }

    /** Writes what a row sees, and zeros around it. */
    private static void write(
        MemorySegment memory, long at, float[] row, int start, int from, int to, int keys) {
      memory.asSlice(at, 4L * from).fill((byte) 0);
      MemorySegment.copy(row, start, memory, FLOAT, at + 4L * from, to - from);
      memory.asSlice(at + 4L * to, 4L * (keys - to)).fill((byte) 0);
    }

    private MemorySegment memory(Block block, long address) {
      return MemorySegment.ofAddress(address).reinterpret(4L * count * block.scores());
    }

    /** [key heads, rows, size]: the g-th query head of each key head. */
    private long queries(Tensor x, Block block, int g) {
      long head = (long) firstHead * heads.group() + g;
      long at = (block.firstRow() * x.size(1) + head) * heads.size();
      long[] sizes = {count, block.rows(), heads.size()};
      long[] strides = {(long) heads.group() * heads.size(), x.size(1) * heads.size(), 1};
      return view(x.address() + 4 * at, sizes, strides);
    }

    /** [key heads, keys, size] */
    private long keys(Tensor x, Block block) {
      long[] sizes = {count, block.keys(), heads.size()};
      long[] strides = {heads.size(), x.size(1) * heads.size(), 1};
      return view(keysAddress(x, block), sizes, strides);
    }

    /** [key heads, size, keys] */
    private long turnedKeys(Tensor x, Block block) {
      long[] sizes = {count, heads.size(), block.keys()};
      long[] strides = {heads.size(), 1, x.size(1) * heads.size()};
      return view(keysAddress(x, block), sizes, strides);
    }

    private long keysAddress(Tensor x, Block block) {
      return x.address() + 4 * (block.firstKey() * x.size(1) + firstHead) * heads.size();
    }

    /** [key heads, rows, keys] */
    private long scores(Block block, long address) {
      long[] sizes = {count, block.rows(), block.keys()};
      return view(address, sizes, new long[] {block.scores(), block.keys(), 1});
    }

    /** [key heads, keys, rows] */
    private long turnedScores(Block block, long address) {
      long[] sizes = {count, block.keys(), block.rows()};
      return view(address, sizes, new long[] {block.scores(), 1, block.keys()});
    }

    private long view(long address, long[] sizes, long[] strides) {
      return lane.passing()
          .add(torch.view(address, DType.F32.torchCode(), Device.CPU, sizes, strides));
    }
  }
}
