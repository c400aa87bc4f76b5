/** Models made of random numbers, and the demonstration that serves one. */
@NullMarked
package dev.openlora.server.demo;

import org.jspecify.annotations.NullMarked;
