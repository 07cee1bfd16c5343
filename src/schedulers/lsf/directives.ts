import { optionProblem, own } from '../ownoptions.js';

export const directiveProblem = optionProblem({
  '-J': own.itself,
  '-o': own.itself,
  '-e': own.itself,
  '-W': own.walltime,
  '-nnodes': own.nodes,
  '-n': own.cores,
  '-M': own.memory,
  '-q': own.queue,
  '-P': own.account,
});
