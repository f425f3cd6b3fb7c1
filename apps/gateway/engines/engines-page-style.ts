/** For light and dark, wide and narrow screens; states are words first and colours second. */
export const enginesPageStyle = `
:root { color-scheme: light dark; --line: #d8dde6; --soft: #5c6675; --back: #fff; --head: #f4f6f9;
  --good: #11693a; --good-back: #dff5e7; --off: #7a5300; --off-back: #fdf0d0; --alarm: #a3192b; --alarm-back: #fde3e6; }
@media (prefers-color-scheme: dark) {
  :root { --line: #343b47; --soft: #a0abbb; --back: #14181f; --head: #1d232d;
    --good: #8ce0ae; --good-back: #14391f; --off: #f2cd7c; --off-back: #40310b; --alarm: #ff9ba8; --alarm-back: #4a1620; }
}
body { margin: 0 auto; padding: 1.5rem; max-width: 90rem; background: var(--back);
  font: 16px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { margin: 0; font-size: 1.5rem; }
header p { margin: .25rem 0 1.25rem; color: var(--soft); }
header [role=alert] { padding: .5rem .75rem; border-radius: .375rem; color: var(--alarm); background: var(--alarm-back); }
a { color: inherit; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { padding: .5rem .625rem; text-align: left; white-space: nowrap; }
thead th { background: var(--head); color: var(--soft); font-weight: 600; font-size: .8125rem; }
tbody tr:not(.notes) { border-top: 1px solid var(--line); }
tbody tr.poor { box-shadow: inset .25rem 0 var(--off); }
tbody tr.bad { box-shadow: inset .25rem 0 var(--alarm); }
.mark span { padding: .125rem .5rem; border-radius: 1rem; }
.good span { color: var(--good); background: var(--good-back); }
.off span { color: var(--off); background: var(--off-back); }
.alarm span { color: var(--alarm); background: var(--alarm-back); font-weight: 600; }
.notes td { padding-top: 0; white-space: normal; overflow-wrap: anywhere; color: var(--soft); font-size: .875rem; }
.notes ul { margin: 0; padding: 0; list-style: none; }
@media (max-width: 70rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody { display: block; }
  tbody tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); padding: .5rem 0; }
  tbody tr > * { padding: .25rem .625rem; white-space: normal; overflow-wrap: anywhere; }
  tbody tr.notes { display: block; padding-top: 0; }
  tbody tr.notes td { display: block; }
  tbody tr > [data-name]::before { content: attr(data-name); display: block; color: var(--soft);
    font-size: .75rem; font-weight: 400; }
  tbody tr > th { grid-column: 1 / -1; font-size: 1.0625rem; }
  tbody tr > th[data-name]::before { content: none; }
}
`;
