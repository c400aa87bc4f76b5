/** Between text and token ids: tokenizers, incremental decoding, stop strings. */
@NullMarked
package dev.openlora.engine.text;

import org.jspecify.annotations.NullMarked;
