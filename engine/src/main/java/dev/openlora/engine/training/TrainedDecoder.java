package dev.openlora.engine.training;

import dev.openlora.engine.model.Architecture;
import dev.openlora.engine.model.HuggingFaceModel;
import java.util.ArrayList;
import java.util.List;

/** The modules of a decoder in training. */
record TrainedDecoder(
    Architecture architecture,
    TrainedEmbedding embedding,
    List<TrainedLayer> layers,
    TrainedNorm finalNorm,
    TrainedLinear head) {
  /** Where modules come from: by their position in the base; each is asked for once, in order. */
  interface Modules {
    TrainedEmbedding embedding();

    TrainedLinear linear(int module);

    TrainedNorm norm(int module);

    /** The output head, which may share with the embedding. */
    TrainedLinear head(int module, TrainedEmbedding embedding);
  }

  static TrainedDecoder of(HuggingFaceModel model, Modules modules) {
    TrainedEmbedding embedding = modules.embedding();
    List<TrainedLayer> layers = new ArrayList<>();
    boolean below = embedding.isTrained();
    for (HuggingFaceModel.Layer layer : model.layerModules()) {
      TrainedLayer trained =
          new TrainedLayer(
              modules.norm(layer.inputNorm()),
              modules.linear(layer.query()),
              modules.linear(layer.key()),
              modules.linear(layer.value()),
              layer.queryNorm() < 0 ? null : modules.norm(layer.queryNorm()),
              layer.keyNorm() < 0 ? null : modules.norm(layer.keyNorm()),
              modules.linear(layer.output()),
              modules.norm(layer.postAttentionNorm()),
              modules.linear(layer.gate()),
              modules.linear(layer.up()),
              modules.linear(layer.down()),
              model.architecture().windows()[layers.size()],
              below);
      layers.add(trained);
      below = trained.wantsOutput();
    }
    return new TrainedDecoder(
        model.architecture(),
        embedding,
        layers,
        modules.norm(model.finalNorm()),
        modules.head(model.head(), embedding));
  }

  /** Whether anything below the final norm is trained. */
  boolean wantsHidden() {
    return layers.getLast().wantsOutput();
  }
}
