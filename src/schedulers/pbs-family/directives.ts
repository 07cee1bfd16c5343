import { optionProblem, own } from '../ownoptions.js';

export const directiveProblem = optionProblem({
  '-N': own.itself,
  '-J': own.itself,
  '-t': own.itself,
  '-o': own.itself,
  '-e': own.itself,
  '-j': own.itself,
  '-q': own.queue,
  '-A': own.account,
  '-l walltime': own.walltime,
  '-l nodes': own.nodes,
  '-l select': own.nodes,
  '-l ncpus': own.cores,
  '-l mem': own.memory,
});
