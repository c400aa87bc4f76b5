package dev.openlora.engine.training;

import dev.openlora.adapter.AdapterShape;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A decoder of the Llama kind in training, all of it or an adapter on it. Frozen weights are the
 * open model's own, in its dtype: open it in the dtype in which the operations multiply, for this
 * training alone, and close it after this. What hangs on parameters (DoRA's norms, replaced rows)
 * is computed anew for every batch, so that a parameter's value may be overwritten between batches.
 * An embedding's {@code lora_embedding_A} is held as [vocabulary, rank], the other way round than
 * in the file.
 */
public final class DecoderTraining implements Trainable {
  private final HuggingFaceModel model;
  private final TrainingOps ops;
  private final @Nullable AdapterShape shape;
  private final ParameterSet parameters;
  private final TrainedDecoder decoder;
  private final RotationTable rotations;
  private final TensorArena step;

  private DecoderTraining(
      HuggingFaceModel model, TrainingOps ops, @Nullable AdapterShape shape, long seed) {
    if (model.embedding().device().kind() != Device.Kind.CPU) {
      throw new IllegalArgumentException(
          "model: on " + model.embedding().device() + " (expected: weights on the host)");
    }
    this.model = model;
    this.ops = ops;
    this.shape = shape;
    parameters = new ParameterSet(ops);
    try {
      decoder =
          TrainedDecoder.of(
              model,
              shape == null
                  ? new FullModules(model, parameters)
                  : new AdapterModules(model, shape, ops, parameters, new InitialValues(seed)));
    } catch (RuntimeException | Error e) {
      parameters.close();
      throw e;
    }
    rotations = new RotationTable(model.architecture(), ops);
    step = ops.newArena("training step");
  }

  /**
   * Trains every weight, from the model's own on. Parameters have the names of the model's tensors;
   * tied embeddings are one parameter.
   */
  public static DecoderTraining full(HuggingFaceModel model, TrainingOps ops) {
    return new DecoderTraining(model, ops, null, 0);
  }

  /**
   * Trains an adapter on the frozen model. Parameters have the names of PEFT's tensors.
   *
   * @param seed of the values at the start; each tensor's hang on it and on the tensor's name alone
   */
  public static DecoderTraining adapter(
      HuggingFaceModel model, TrainingOps ops, AdapterShape shape, long seed) {
    return new DecoderTraining(model, ops, shape, seed);
  }

  @Override
  public List<Parameter> parameters() {
    return parameters.all();
  }

  @Override
  public TrainingOps ops() {
    return ops;
  }

  @Override
  public double accumulate(TrainingBatch batch, double scale) {
    return newPass(batch).accumulate((float) scale);
  }

  @Override
  public double loss(TrainingBatch batch) {
    return newPass(batch).loss();
  }

  private DecoderPass newPass(TrainingBatch batch) {
    step.reset();
    return new DecoderPass(decoder, ops, step, rotations, batch);
  }

  /**
   * Writes what was trained: an adapter as PEFT does, {@code adapter_config.json} and {@code
   * adapter_model.safetensors}; a whole model as Hugging Face does, {@code config.json}, {@code
   * model.safetensors} and the tokenizer's files. The weights appear last, whole or not at all.
   *
   * @param folder made where it is missing
   * @param type F32, F16 or BF16
   */
  public void save(Path folder, SafetensorsType type) throws IOException {
    if (shape == null) {
      TrainedFolder.writeModel(folder, model.folder(), parameters, type);
    } else {
      TrainedFolder.writeAdapter(folder, shape.config(model.id()), parameters, type);
    }
  }

  @Override
  public void close() {
    step.close();
    rotations.close();
    parameters.close();
  }
}
