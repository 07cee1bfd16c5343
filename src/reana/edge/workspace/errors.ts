import { ScailfinError } from '../../../errors.js';

/** A path or a pattern that is not valid in a workspace, in the words of REANA. */
export class WorkspaceError extends ScailfinError {}

/** Nothing has this name. */
export class NotThereError extends WorkspaceError {}

/** The disk has no more room. */
export class NoRoomError extends WorkspaceError {}
