import { ScailfinError } from '../../../errors.js';

/** A path or a pattern that a workspace can't have, in the words of REANA. */
export class WorkspaceError extends ScailfinError {}

/** There is nothing of that name. */
export class NotThereError extends WorkspaceError {}

/** Nothing more can be written. */
export class NoRoomError extends WorkspaceError {}
