/** The only main: HTTP, configuration, admission and chat templates around one engine. */
@NullMarked
package dev.openlora.server;

import org.jspecify.annotations.NullMarked;
