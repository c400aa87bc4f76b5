/** Training of byte-level BPE tokenizers, and the files in which they are kept. */
@NullMarked
package dev.openlora.engine.text.bpe;

import org.jspecify.annotations.NullMarked;
