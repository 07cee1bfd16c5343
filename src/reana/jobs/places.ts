import { join } from 'node:path';

/*
 * Where the files of a step are, below the directory of all steps. What a job's shadow may write, and with it whoever
 * runs the step, is in `jobDir` alone: nothing there is what it was when it was put there. What the edge itself reads
 * again is beside it.
 */

/** The edge's own directory for one step; nobody else writes there. */
export const stepDir = (dir: string, id: string): string => join(dir, id);

/** The job's initial directory: its files go to the node and come back from there. */
export const jobDir = (dir: string, id: string): string => join(dir, id, 'job');

/** The edge's own copy of the list of files that the step found in its workspace. */
export const manifestPath = (dir: string, id: string): string => join(dir, id, 'manifest');

/** The service's own notes about a step; part of its log. */
export const notesPath = (dir: string, id: string): string => join(dir, id, 'notes');

/** HTCondor's log of the jobs' events. Every job's shadow writes to it, so it has its own directory. */
export const eventLog = (dir: string): string => join(dir, 'events', 'log');

/** The directory in which the returned archive is unpacked. */
export const returnedDir = (dir: string, id: string): string => join(dir, id, 'returned');

/** The archive as it was returned, once the edge has taken it. */
export const archivePath = (dir: string, id: string): string => join(dir, id, 'changed.tar');

/** What a session has saved so far, as it is in the run's files. */
export const savedPath = (dir: string, id: string): string => join(dir, id, 'saved.json');

/** What the edge says to a session: a file for each batch. The session's node may read them, and the edge alone writes. */
export const downDir = (dir: string, id: string): string => join(dir, id, 'down');
