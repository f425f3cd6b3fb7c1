import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from './report.js';
import { withResults, writeResults } from './result-files.js';

const page = `# Performance

<!-- results: written by the full run -->

old figures

<!-- end of the results -->

What was found.
`;
const report: Report = { at: '2026-01-01', quick: false, surroundings: 'a machine', seconds: 1, outcomes: [] };

describe('the results of a run', () => {
  it('take the place of the old ones on the page', () => {
    const changed = withResults(page, '| new |\n');
    expect(changed).toContain('full run -->\n\n| new |\n\n<!-- end of the results -->\n\nWhat was found.\n');
    expect(changed).not.toContain('old figures');
    expect(withResults(changed, '| new |\n')).toBe(changed);
  });

  it('are refused by a page without a place for them', () => {
    expect(() => withResults('# Performance\n', 'new')).toThrow('The page has no');
  });

  describe('in a checkout', () => {
    let root = '';
    beforeEach(async () => {
      root = await mkdtemp(join(tmpdir(), 'polyscribe-results-'));
      await mkdir(join(root, 'docs'));
      await writeFile(join(root, 'docs/performance.md'), page);
    });
    afterEach(() => rm(root, { recursive: true, force: true }));

    it('come to the page after a full run of everything', async () => {
      await writeResults(report, true, root);
      expect(await readdir(join(root, 'bench/results'))).toEqual([
        'full-growth.svg',
        'full-span-scaling.svg',
        'full.json',
        'full.md',
        'full.svg',
      ]);
      expect(await readFile(join(root, 'docs/performance.md'), 'utf8')).toContain('2026-01-01, a full run');
    });

    it.each([
      ['part', report, false],
      ['quick', { ...report, quick: true }, true],
    ] as const)('leave the page alone after a %s run', async (name, made, isWhole) => {
      await writeResults(made, isWhole, root);
      expect(await readdir(join(root, 'bench/results'))).toContain(`${name}.json`);
      expect(await readFile(join(root, 'docs/performance.md'), 'utf8')).toBe(page);
    });
  });
});
