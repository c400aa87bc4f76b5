/**
 * Makes the demonstration's models from nothing: tokenizer, base, Datanets, adapters, and the
 * tables that say what they can do. One committed command writes all of {@code demo/}.
 */
@NullMarked
package dev.openlora.server.factory;

import org.jspecify.annotations.NullMarked;
