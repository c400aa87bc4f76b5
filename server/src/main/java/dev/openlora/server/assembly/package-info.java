/** From a configuration to a server that runs: what the machine has, what is put together. */
@NullMarked
package dev.openlora.server.assembly;

import org.jspecify.annotations.NullMarked;
