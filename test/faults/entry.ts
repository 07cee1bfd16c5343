/*
 * The command line as users have it, each of whose actions is a point at which a fault may be tried. It is started by tests, in a lab, and
 * is no part of what is shipped.
 */
import { observe } from './observe.js';

observe();
await import('../../src/cli/main.js');
