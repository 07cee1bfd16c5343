import { describe, expect, it } from 'vitest';
import { never, runOf } from './workflows.js';

const snakefile = `
parts = [f"p{n}" for n in range(int(config["parts"]))]

rule all:
    input: "results/sum.txt"

rule generate:
    output: "data/{part}.txt"
    container: "docker://docker.io/library/python:3.12"
    resources: kubernetes_memory_limit="256Mi"
    shell: "echo $GREETING {wildcards.part} > {output}"

rule count:
    input: "data/{part}.txt"
    output: "counts/{part}.txt"
    shell: "wc -c < {input} > {output}"

rule sum:
    input: expand("counts/{part}.txt", part=parts)
    output: "results/sum.txt"
    threads: 2
    shell: "cat {input} | awk '{{s+=$1}} END {{print s}}' > {output}"
`;

describe('Snakemake workflows', () => {
  it('fan out and merge', { timeout: 300_000 }, async () => {
    const { run, engine, steps, seen, said, read, started, graph } = await runOf('snakemake', {
      files: { 'workflow/Snakefile': snakefile },
      ...{ file: 'workflow/Snakefile', parameters: { parts: 6 } },
    });
    await engine.run(run, never).catch(error => {
      throw new Error(said.join(''), { cause: error });
    });
    expect(await read('results/sum.txt')).toBe('54\n');
    expect((await started()).length).toBe(13);
    const generate = steps.requests.find(r => r.name === 'generate');
    expect(generate).toMatchObject({ image: 'docker.io/library/python:3.12', resources: { memory: 256 } });
    expect(generate?.shown).toMatch(/^echo \$GREETING p\d > data\/p\d.txt$/);
    expect(steps.requests.at(-1)).toMatchObject({ name: 'sum', image: '', resources: { cores: 2 } });
    // without a container, the workspace of a step is elsewhere on its node
    expect(steps.requests.filter(r => r.command.includes(run.workspace))).toEqual([]);
    expect(steps.widest).toBeGreaterThan(1);
    expect(seen.at(-1)).toMatchObject({ total: 13, running: [], failed: [] });
    expect(seen[0]?.total).toBeLessThanOrEqual(13);
    expect(seen.at(-1)?.finished).toHaveLength(13);
    expect(await graph()).toEqual({
      nodes: ['count', 'generate', 'sum'],
      edges: [
        ['count', 'sum'],
        ['generate', 'count'],
      ],
    });
  });

  it('touch, try again, and send rules to the pool which they call local', { timeout: 300_000 }, async () => {
    const text = `
localrules: all, near
rule all:
    input: "deep/er/near.txt", "touched", "again.txt"
rule near:
    output: "deep/er/near.txt"
    log: "logs/near.log"
    shell: "echo near > {output} 2> {log}"
rule touched:
    output: touch("touched")
    shell: "true"
rule again:
    output: "again.txt"
    retries: 2
    shell: "echo x >> tries; [ $(wc -l < tries) = 2 ] && cp tries {output}"
`;
    const { run, engine, said, read, started } = await runOf('snakemake', {
      file: 'Snakefile',
      files: { Snakefile: text },
    });
    await engine.run(run, never).catch(error => {
      throw new Error(said.join(''), { cause: error });
    });
    expect(await read('deep/er/near.txt')).toBe('near\n');
    expect(await read('touched')).toBe('');
    expect(await read('again.txt')).toBe('x\nx\n');
    expect(await started()).toEqual(['again', 'again', 'near', 'touched']);
  });

  it.each([
    ['rule a:\n    output: "a"\n    run: open("a", "w")', 'rule a has no shell section'],
    ['rule a:\n    output: "a"\n    group: "g"\n    shell: "touch a"', 'the rules a form a group'],
  ])('with what can not run on a pool are refused: %#', { timeout: 300_000 }, async (text, message) => {
    const { run, engine, started } = await runOf('snakemake', { file: 'Snakefile', files: { Snakefile: `${text}\n` } });
    await expect(engine.run(run, never)).rejects.toThrow(message);
    expect(await started()).toEqual([]);
  });
});
