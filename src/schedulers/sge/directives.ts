import { optionProblem, own } from '../ownoptions.js';

export const directiveProblem = optionProblem({
  '-N': own.itself,
  '-t': own.itself,
  '-o': own.itself,
  '-e': own.itself,
  '-j': own.itself,
  '-q': own.queue,
  '-P': own.account,
  '-A': own.account,
  '-l h_rt': own.walltime,
  '-pe': 'chooses a parallel environment; name it with scheduler.parallelEnvironment',
});
