/** The commands behind {@code ./openlora}: what each one is told, and what it says. */
@NullMarked
package dev.openlora.server.cli;

import org.jspecify.annotations.NullMarked;
