/** The configuration: one table of settings, layered from file, environment and flags. */
@NullMarked
package dev.openlora.server.config;

import org.jspecify.annotations.NullMarked;
