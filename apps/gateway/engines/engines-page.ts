import { createHash } from 'node:crypto';
import { type Column, columns, type EngineRow, engineRows } from './engine-rows.js';
import { enginesPageStyle } from './engines-page-style.js';
import type { EnginesView } from './engines.service.js';

const REFRESH_S = 5;

/** The page runs nothing and loads nothing; its one style sheet is named by its hash. */
export const enginesPagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(enginesPageStyle).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A page that shows the engines and loads itself again every few seconds, without a script. */
export function enginesPage(view: EnginesView, now: Date): string {
  const rows = engineRows(view, now);
  const engines = Object.values(view.engines);
  const available = engines.filter((engine) => engine.available).length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${String(REFRESH_S)}">
<title>${String(available)}/${String(engines.length)} engines - Polyscribe</title>
<style>${enginesPageStyle}</style>
</head>
<body>
<header>
<h1>Engines</h1>
<p>${String(available)} of ${String(engines.length)} kinds available. Default engine: <b>${escaped(view.default_engine)}</b>.
As of <time datetime="${now.toISOString()}">${now.toISOString().slice(11, 19)} UTC</time>; renewed every ${String(REFRESH_S)} seconds.
The same as <a href="?format=text">text</a> and <a href="?format=json">JSON</a>.</p>
${staleness(view)}</header>
<main>
<table>
<caption>Instances of engines</caption>
<thead>
<tr>${Object.values(columns)
    .map((name) => `<th scope="col">${name}</th>`)
    .join('')}</tr>
</thead>
<tbody>
${rows.map(tableRow).join('\n')}
</tbody>
</table>
</main>
</body>
</html>
`;
}

function staleness({ stale_s: staleS }: EnginesView): string {
  if (staleS === undefined) return '';
  const seconds = String(Math.round(staleS));
  return `<p role="alert">No engine registry has been reached for ${seconds} s; this is what was last known.</p>\n`;
}

function tableRow({ urgency, cells, notes }: EngineRow): string {
  const names = Object.keys(columns) as Column[];
  const tds = names.map((name) => cell(name, cells[name]));
  const row = `<tr class="${urgency}">${tds.join('')}</tr>`;
  if (notes.length === 0) return row;
  const items = notes.map((note) => `<li>${escaped(note)}</li>`).join('');
  return `${row}\n<tr class="notes ${urgency}"><td colspan="${String(names.length)}"><ul>${items}</ul></td></tr>`;
}

/** On a narrow screen the cells stand one below the other, each with its name. */
function cell(name: Column, text: string): string {
  if (name === 'engine') return `<th scope="row" data-name="${columns[name]}">${escaped(text)}</th>`;
  const mark = name === 'state' || name === 'breaker' ? ` class="mark ${markOf(text)}"` : '';
  return `<td data-name="${columns[name]}"${mark}><span>${escaped(text)}</span></td>`;
}

function markOf(text: string): 'good' | 'off' | 'alarm' | 'none' {
  if (text === 'serving' || text === 'closed') return 'good';
  if (text === 'unavailable' || text === 'open') return 'alarm';
  return text === '-' ? 'none' : 'off';
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
