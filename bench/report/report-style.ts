/** The report's style sheet. */
export const reportStyle = `
:root { color-scheme: light dark; --page: #ffffff; --text: #1f2328; --soft: #59636e; --line: #d1d9e0; --card: #f6f8fa; --good: #1a7f37; --bad: #cf222e }
@media (prefers-color-scheme: dark) {
  :root { --page: #0d1117; --text: #e6edf3; --soft: #9198a1; --line: #3d444d; --card: #151b23; --good: #3fb950; --bad: #f85149 }
}
body { margin: 0 auto; padding: 1.5rem; max-width: 82rem; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem } h3 { font-size: 1rem; margin: 0 0 .25rem }
p, li { max-width: 60rem } .soft { color: var(--soft) }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 36rem), 1fr)) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; overflow-x: auto }
.chart { display: block; max-width: 100%; height: auto }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .5rem 0; list-style: none }
.legend i { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .4em }
table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .45rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child { text-align: left }
.texts td { white-space: normal }
th { white-space: normal; vertical-align: bottom }
.texts th, .texts td { text-align: left }
.good { color: var(--good) } .bad { color: var(--bad) }
.refusal { border-left: 4px solid var(--bad) }
pre { overflow-x: auto; font-size: 12px; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .75rem }
summary { cursor: pointer }
`;
