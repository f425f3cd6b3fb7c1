/** One stage of a Dockerfile. */
export interface DockerStage {
  readonly name: string;
  /** An image, or the name of an earlier stage. */
  readonly from: string;
  /** Who the stage's last instructions run as; undefined where the stage does not say. */
  readonly user: string | undefined;
  /** The command in exec form; undefined where there is none. */
  readonly command: readonly string[] | undefined;
}

/** The stages in order; knows the instructions that our Dockerfile has. */
export function readDockerfile(text: string): DockerStage[] {
  const stages: { name: string; from: string; user: string | undefined; command: readonly string[] | undefined }[] = [];
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    const [instruction = '', ...rest] = line.trim().split(/\s+/);
    const stage = stages.at(-1);
    if (instruction === 'FROM') {
      const [from = '', , name = ''] = rest;
      stages.push({ name, from, user: undefined, command: undefined });
    } else if (stage && instruction === 'USER') {
      stage.user = rest[0];
    } else if (stage && instruction === 'CMD') {
      stage.command = JSON.parse(rest.join(' ')) as string[];
    }
  }
  return stages;
}

/** Who a container of the stage runs as, by itself or by the stages that it is made from; `root` where nobody says. */
export function userOf(stage: DockerStage, stages: readonly DockerStage[]): string {
  const parent = stages.find(({ name }) => name === stage.from);
  return stage.user ?? (parent ? userOf(parent, stages) : 'root');
}
