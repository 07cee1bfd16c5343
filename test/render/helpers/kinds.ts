/** Who reads a rendered file. */
export type Kind = 'bash' | 'sh' | 'sourced' | 'configuration' | 'submit' | 'json' | 'yaml' | 'python' | 'awk' | 'text';

/** By its name and its first line. @throws for one that nothing is known of: each kind has its check */
export function kindOf(name: string, text: string): Kind {
  const shell = /^(?:#!\/bin\/|# shellcheck shell=)(bash|sh)\b/.exec(text)?.[1];
  if (shell === 'bash' || shell === 'sh') return shell;
  if (/^(grow\/.*\/settings|headnode\/env\/.*)$/.test(name) || ['site/settings', 'step/step.env'].includes(name))
    return 'sourced';
  if (/^headnode\/workers\/[a-z]+\/step\.env$/.test(name)) return 'sourced';
  // Spark reads these; test/cluster/spark.test.ts runs it with them
  if (
    /^headnode\/workers\/spark\/(tree\/spark\/(spark-defaults\.conf|log4j2\.properties)|source\.txt|front\/(token|(cert|key)\.pem))$/.test(
      name,
    )
  )
    return 'text';
  if (/(^|\/)condor_config$|\.conf(ig)?$/.test(name)) return 'configuration';
  if (/\/submit$|\.htcondor$|\.sub$/.test(name)) return 'submit';
  if (name.endsWith('.json')) return 'json';
  if (name.endsWith('.awk')) return 'awk';
  if (name.endsWith('.yaml')) return 'yaml';
  if (name.endsWith('.py')) return 'python';
  if (/^headnode\/wire\/services\//.test(name)) return 'json';
  // keys and passwords are made when they are needed
  if (
    /^headnode\/(wire\/(cert|key)\.pem|workers\/[a-z]+\/(port|password|idle|requirements\.txt|tree\/(others\/[a-z]+\/)?(password|jupyter\/token|wire\/(key|cert\.pem)|(dask\/)?(cert|key)\.pem)))$/.test(
      name,
    )
  )
    return 'text';
  // a port is a number, and `idle` is one with a word; pip and an image's builder have no check but to do it
  if (/^README$|^headnode\/edge\/port$|^reana\/image\/(Dockerfile|requirements\.txt)$/.test(name)) return 'text';
  throw new Error(`${name}: who reads it, and what checks it?`);
}
