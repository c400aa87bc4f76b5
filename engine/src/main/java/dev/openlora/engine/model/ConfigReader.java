package dev.openlora.engine.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads config.json key by key and remembers which were read, so that a key nobody understood, and
 * that says something, is refused by name instead of ignored.
 */
final class ConfigReader {
  /** Keys that say nothing about the forward pass. */
  private static final Set<String> IGNORED =
      Set.of(
          "_name_or_path",
          "_attn_implementation_autoset",
          "architectures",
          "attention_dropout",
          "auto_map",
          "bos_token_id",
          "eos_token_id",
          "pad_token_id",
          "unk_token_id",
          "sep_token_id",
          "decoder_start_token_id",
          "dtype",
          "torch_dtype",
          "embd_pdrop",
          "resid_pdrop",
          "hidden_dropout",
          "attention_probs_dropout_prob",
          "initializer_range",
          "initializer_factor",
          "keys_to_ignore_at_inference",
          "pretraining_tp",
          "use_cache",
          "transformers_version",
          "torchscript",
          "return_dict",
          "return_dict_in_generate",
          "output_attentions",
          "output_hidden_states",
          "output_scores",
          "is_decoder",
          "is_encoder_decoder",
          "id2label",
          "label2id",
          "num_labels",
          "problem_type",
          "task_specific_params",
          "finetuning_task",
          "prefix",
          "tokenizer_class",
          "gradient_checkpointing",
          "use_mrope",
          "temperature",
          "top_p",
          "top_k",
          "do_sample",
          "max_length",
          "min_length",
          "repetition_penalty",
          "length_penalty",
          "no_repeat_ngram_size",
          "num_beams",
          "num_return_sequences",
          "early_stopping",
          "chunk_size_feed_forward",
          "add_cross_attention",
          "cross_attention_hidden_size",
          "tie_encoder_decoder",
          "bad_words_ids",
          "begin_suppress_tokens",
          "suppress_tokens",
          "exponential_decay_length_penalty",
          "forced_bos_token_id",
          "forced_eos_token_id",
          "diversity_penalty",
          "encoder_no_repeat_ngram_size",
          "num_beam_groups",
          "remove_invalid_values",
          "typical_p",
          "tf_legacy_loss",
          "use_bfloat16",
          "pruned_heads",
          "unsloth_version",
          "unsloth_fixed",
          "model_name");

  private final String where;
  private final JsonNode root;
  private final Set<String> read = new HashSet<>();

  ConfigReader(String where, JsonNode root) throws ModelException {
    this.where = where;
    this.root = root;
    if (!root.isObject()) {
      throw new ModelException(where + ": " + root.getNodeType() + " (expected: a JSON object)");
    }
  }

  boolean has(String key) {
    read.add(key);
    return root.has(key) && !root.get(key).isNull();
  }

  /** Whether the key stands there at all, null or not. */
  boolean present(String key) {
    return root.has(key);
  }

  int integer(String key) throws ModelException {
    if (!has(key)) {
      throw new ModelException(where + ": '" + key + "' is missing");
    }
    return integer(key, 0);
  }

  int integer(String key, int otherwise) throws ModelException {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = root.get(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw wrong(key, value, "an integer");
    }
    return value.intValue();
  }

  double number(String key, double otherwise) throws ModelException {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = root.get(key);
    if (!value.isNumber()) {
      throw wrong(key, value, "a number");
    }
    return value.doubleValue();
  }

  boolean flag(String key, boolean otherwise) throws ModelException {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = root.get(key);
    if (!value.isBoolean()) {
      throw wrong(key, value, "true or false");
    }
    return value.booleanValue();
  }

  String text(String key, String otherwise) throws ModelException {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = root.get(key);
    if (!value.isString()) {
      throw wrong(key, value, "a string");
    }
    return value.stringValue();
  }

  List<String> texts(String key) throws ModelException {
    List<String> all = new ArrayList<>();
    if (has(key)) {
      for (JsonNode item : root.get(key)) {
        if (!item.isString()) {
          throw wrong(key, item, "a list of strings");
        }
        all.add(item.stringValue());
      }
    }
    return all;
  }

  /** The object under a key, or null where there is none. */
  @Nullable ConfigReader object(String key) throws ModelException {
    return has(key) ? new ConfigReader(where + " " + key, root.get(key)) : null;
  }

  /** Refuses a value other than the one that the forward pass has. */
  void only(String key, String expected) throws ModelException {
    String value = text(key, expected);
    if (!value.equals(expected)) {
      throw new ModelException(
          where
              + ": '"
              + key
              + "' is '"
              + value
              + "', which is not served (expected: '"
              + expected
              + "')");
    }
  }

  /** Marks keys as understood. */
  void known(String... keys) {
    read.addAll(Arrays.asList(keys));
  }

  /**
   * Refuses every key that was not read and is not known to be harmless, unless it says nothing.
   */
  void refuseUnread() throws ModelException {
    for (String key : root.propertyNames()) {
      JsonNode value = root.get(key);
      boolean silent =
          value.isNull()
              || (value.isBoolean() && !value.booleanValue())
              || (value.isContainer() && value.isEmpty())
              || (value.isString() && value.stringValue().isEmpty());
      if (!read.contains(key) && !IGNORED.contains(key) && !silent) {
        throw new ModelException(
            where + ": '" + key + "' is not served: it may change results (value: " + value + ")");
      }
    }
  }

  ModelException wrong(String key, JsonNode value, String expected) {
    return new ModelException(
        where + ": '" + key + "' is " + value + " (expected: " + expected + ")");
  }
}
