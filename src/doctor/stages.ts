import { hostkey } from './hostkey.js';
import { job } from './job.js';
import { login } from './login.js';
import { name } from './name.js';
import { network } from './network.js';
import { nodeClock } from './nodeclock.js';
import { nodeNetwork } from './nodenetwork.js';
import { nodeSoftware } from './nodesoftware.js';
import { nodeWork } from './nodework.js';
import { scheduler } from './scheduler.js';
import { shell } from './shell.js';
import type { Stage } from './stage.js';
import { submission } from './submission.js';
import { tcp } from './tcp.js';
import { work } from './work.js';

/** The checks of a login node; they take seconds. */
export const shallow: readonly Stage[] = [name, tcp, hostkey, login, shell, scheduler, submission, work, network];
/** What only a job on a compute node can tell; takes as long as the queue. */
export const deep: readonly Stage[] = [job, nodeWork, nodeClock, nodeNetwork, nodeSoftware];
