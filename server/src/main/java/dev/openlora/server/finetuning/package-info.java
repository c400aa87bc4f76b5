/**
 * Fine-tuning behind the API: uploaded files, jobs that outlive the server, a queue, and a process
 * of its own that tunes, so that answers to others do not wait for it.
 *
 * <p>The way of a job: {@link dev.openlora.server.finetuning.FineTuning} takes it, {@link
 * dev.openlora.server.finetuning.JobCheck} has its files looked through and lets it wait, {@link
 * dev.openlora.server.finetuning.JobRunner} hands it to a {@link
 * dev.openlora.server.finetuning.TuningWorker}, notes what that one tells, and has the finished
 * adapter served before it says so. {@link dev.openlora.server.finetuning.JobBook} keeps how each
 * job stands. Everything that must last is a file in one folder, written whole or not at all:
 *
 * <pre>
 * lock                      held while a server uses the folder
 * files/ID.json             what is known of an uploaded file
 * files/content/SHA256.*    its bytes, once for all files of the same content
 * files/incoming/*          uploads under way
 * jobs/ID/job.json          a job
 * jobs/ID/events.jsonl      what happened to it
 * jobs/ID/worker.log        what its worker said beside events
 * jobs/ID/work/             the worker's: checkpoints and the adapter while it is made
 * adapters/ID/              the adapter of a job that succeeded
 * </pre>
 */
@NullMarked
package dev.openlora.server.finetuning;

import org.jspecify.annotations.NullMarked;
