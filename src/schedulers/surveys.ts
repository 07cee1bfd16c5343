import { lsfSurvey } from './lsf/survey.js';
import { pbsSurvey, torqueSurvey } from './pbs-family/survey.js';
import type { SchedulerName } from './scheduler.js';
import { sgeSurvey } from './sge/survey.js';
import { slurmSurvey } from './slurm/survey.js';
import { known, limit, type Survey } from './survey.js';

/** Slots that jobs' own are cut from, and those that are as they are. */
const SLOTS = `condor_status -constraint 'PartitionableSlot =?= True || SlotType =?= "Static"' -af TotalSlotCpus TotalSlotMemory |
  sort | uniq -c | sort -rn | head -n 1`;

/** It has neither queues nor a way to try a job. */
const htcondor: Survey = {
  title: 'HTCondor',
  programs: ['condor_submit', 'condor_q', 'condor_rm'],
  version: {
    command: { argv: ['condor_version'] },
    parse: out => (out.exitCode === 0 ? /^\$CondorVersion: (\S+)/m.exec(out.stdout)?.[1] : undefined),
  },
  node: {
    command: { argv: ['sh', '-c', SLOTS] },
    parse(out) {
      const [, cores, memory] = /^ *\d+ (\d+) (\d+)$/m.exec(out.stdout) ?? [];
      return known({ cores: limit(cores), memory: limit(memory) });
    },
  },
};

/** Plain processes: only the system's own tools. */
const fork: Survey = {
  title: 'plain processes',
  programs: ['bash', 'setsid', 'timeout', 'base64'],
  version: { command: { argv: ['uname', '-sr'] }, parse: out => out.stdout.trim() || undefined },
};

/** In the order in which a site is asked: one may have the commands of another for the convenience of its users. */
const surveys: Record<SchedulerName, Survey> = {
  slurm: slurmSurvey,
  pbs: pbsSurvey,
  torque: torqueSurvey,
  lsf: lsfSurvey,
  sge: sgeSurvey,
  htcondor,
  fork,
};

export const surveyFor = (name: SchedulerName): Survey => surveys[name];

/** Those that a site can have. */
export const surveyed = (Object.keys(surveys) as SchedulerName[]).filter(name => name !== 'fork');
