/**
 * From a step to a signed receipt. Here will live capture of step records, token spans and
 * influence scores, the split of a fee, the durable ledger of receipts, verification, and Datanets.
 */
@NullMarked
package dev.openlora.attribution;

import org.jspecify.annotations.NullMarked;
