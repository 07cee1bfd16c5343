import { join } from 'node:path';

/*
 * Where the files of a step are, below the directory of all steps. What a job's shadow may write, and with it whoever
 * runs the step, is in `jobDir` alone: nothing there is what it was when it was put there. What the edge itself reads
 * again is beside it.
 */

/** The edge's own of one step; nobody else writes there. */
export const stepDir = (dir: string, id: string): string => join(dir, id);

/** The job's initial directory: what goes to the node, and what comes back from there. */
export const jobDir = (dir: string, id: string): string => join(dir, id, 'job');

/** The edge's own copy of what the step found in its workspace. */
export const manifestPath = (dir: string, id: string): string => join(dir, id, 'manifest');

/** What the service itself has to say of a step; part of its log. */
export const notesPath = (dir: string, id: string): string => join(dir, id, 'notes');

/** HTCondor's log of what happens to the jobs. Every job's shadow writes to it, so it has a directory of its own. */
export const eventLog = (dir: string): string => join(dir, 'events', 'log');

/** Where what it returned is unpacked. */
export const returnedDir = (dir: string, id: string): string => join(dir, id, 'returned');

/** What it returned, as it came, once the edge has taken it. */
export const archivePath = (dir: string, id: string): string => join(dir, id, 'changed.tar');
