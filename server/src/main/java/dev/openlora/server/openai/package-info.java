/** The OpenAI API: what requests may say, how they become generations, what answers look like. */
@NullMarked
package dev.openlora.server.openai;

import org.jspecify.annotations.NullMarked;
