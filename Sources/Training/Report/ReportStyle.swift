/// How the page looks: in light and dark, on a phone and on paper.
enum ReportStyle {
  static let sheet = HTML(
    verbatim: """
      :root {
        color-scheme: light dark;
        --paper: #ffffff; --card: #f6f7f9; --ink: #1b1f24; --faint: #57606a; --line: #d5dae0;
        --accent: #0a58ca; --warning: #8a4b00;
        --c0: #0a58ca; --c1: #b3450b; --c2: #1a7f4b; --c3: #8a3fb0;
        --c4: #a67c00; --c5: #c2255c; --c6: #0b7285; --c7: #5f6b76;
        --c8: #6d4c2f; --c9: #3b3fa0; --c10: #5c7f0b; --c11: #d0453a;
      }
      @media (prefers-color-scheme: dark) {
        :root {
          --paper: #14171b; --card: #1d2127; --ink: #e6e9ed; --faint: #a3acb6; --line: #3a414a;
          --accent: #79b0ff; --warning: #ffb866;
          --c0: #79b0ff; --c1: #ff9f66; --c2: #66d19e; --c3: #d3a1f0;
          --c4: #e8c34d; --c5: #ff8fb3; --c6: #5fd3e3; --c7: #b4bec8;
          --c8: #cfa983; --c9: #a5a8ff; --c10: #b5d653; --c11: #ff8d85;
        }
      }
      * { box-sizing: border-box; }
      body {
        margin: 0 auto; padding: 0 16px 32px; max-width: 1180px; background: var(--paper);
        color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
        overflow-wrap: break-word;
      }
      h1 { font-size: 1.6rem; line-height: 1.25; margin: 24px 0 0; }
      h2 { font-size: 1.2rem; margin: 36px 0 8px; }
      h3 { font-size: 1rem; margin: 20px 0 6px; }
      p { margin: 6px 0; max-width: 46rem; }
      .state, .about, footer { color: var(--faint); }
      footer { border-top: 1px solid var(--line); margin-top: 36px; font-size: .9rem; }
      .outcome { border-left: 4px solid var(--accent); padding-left: 14px; }
      .outcome h2 { margin-top: 20px; }
      .verdict { font-weight: 600; }
      .cards { display: grid; gap: 16px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); }
      .card { margin: 0; padding: 12px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; min-width: 0; }
      .card p { font-size: .875rem; color: var(--faint); }
      .card .expectation { color: var(--ink); }
      figcaption { display: flex; flex-wrap: wrap; gap: 2px 12px; justify-content: space-between; }
      .value { font-variant-numeric: tabular-nums; color: var(--faint); }
      .plot { display: block; width: 100%; height: auto; touch-action: pan-y; }
      .plot text { font-size: 11px; fill: var(--faint); }
      .plot line { stroke: var(--line); stroke-width: 1; }
      .plot .grid { opacity: .6; }
      .plot line.reference { stroke: var(--warning); stroke-dasharray: 5 4; opacity: 1; }
      .plot text.reference { fill: var(--warning); }
      .plot polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
      .plot .band { opacity: .18; stroke: none; }
      .plot .cursor line { stroke: var(--ink); }
      .plot polyline.c0 { stroke: var(--c0); } .plot .band.c0, .plot circle.c0 { fill: var(--c0); }
      .plot polyline.c1 { stroke: var(--c1); } .plot .band.c1, .plot circle.c1 { fill: var(--c1); }
      .plot polyline.c1 { stroke-dasharray: 7 3; }
      .plot polyline.c2 { stroke: var(--c2); } .plot .band.c2, .plot circle.c2 { fill: var(--c2); }
      .plot polyline.c2 { stroke-dasharray: 2 3; }
      .legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: .875rem; padding: 0; margin: 6px 0; list-style: none; }
      .legend svg { display: inline-block; width: 22px; height: 10px; vertical-align: middle; margin-right: 5px; }
      .wide { grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
      .map { position: relative; }
      .dots { display: block; width: 100%; max-width: 560px; height: auto; margin: 0 auto; touch-action: pan-y; }
      .dots circle { fill-opacity: .75; }
      .dots .mark { fill: none; stroke: var(--ink); stroke-width: 1.5; }
      .legend .key { width: 10px; height: 10px; margin: 0 5px 0 0; }
      .d0 { fill: var(--c0); } .d1 { fill: var(--c1); } .d2 { fill: var(--c2); } .d3 { fill: var(--c3); }
      .d4 { fill: var(--c4); } .d5 { fill: var(--c5); } .d6 { fill: var(--c6); } .d7 { fill: var(--c7); }
      .d8 { fill: var(--c8); } .d9 { fill: var(--c9); } .d10 { fill: var(--c10); } .d11 { fill: var(--c11); }
      .tip { position: absolute; z-index: 1; pointer-events: none; padding: 6px; max-width: 220px; font-size: .8rem; line-height: 1.3;
        background: var(--paper); border: 1px solid var(--line); border-radius: 6px; box-shadow: 0 2px 8px rgba(0, 0, 0, .25); }
      .tip .t { --w: 96px; margin-bottom: 4px; }
      .t { --w: 44px; display: block; flex: none; background-repeat: no-repeat; border-radius: 3px;
        print-color-adjust: exact; -webkit-print-color-adjust: exact; }
      .samples { grid-template-columns: repeat(auto-fill, minmax(min(100%, 360px), 1fr)); }
      .sample { display: flex; gap: 12px; align-items: center; }
      .sample .t { --w: 34px; }
      .sample > .t { --w: 64px; }
      .row { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; margin: 4px 0; }
      .row small { flex: 0 0 100%; color: var(--faint); line-height: 1.2; }
      .same, .other { padding-bottom: 2px; border-bottom: 3px solid transparent; }
      .same { border-color: var(--c2); }
      .pictures { display: flex; flex-wrap: wrap; gap: 10px; }
      .pair { margin: 0; padding: 6px; display: grid; grid-auto-flow: column; gap: 4px; background: var(--card); border: 1px solid var(--line); border-radius: 6px;
        break-inside: avoid; }
      .pair .t { --w: 60px; }
      .pair figcaption { display: block; grid-row: 2; grid-column: 1 / -1; text-align: center; font-size: .8rem; color: var(--faint); font-variant-numeric: tabular-nums; }
      .views { display: block; max-width: 100%; height: auto; border-radius: 6px; }
      table { border-collapse: collapse; font-size: .9rem; }
      th, td { text-align: left; vertical-align: top; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
      th { font-weight: 500; color: var(--faint); }
      .rows { width: 100%; max-width: 46rem; }
      .rows th { width: 34%; }
      .number { text-align: right; font-variant-numeric: tabular-nums; }
      [hidden] { display: none; }
      @media print {
        :root { --paper: #fff; --card: #fff; --ink: #000; --faint: #333; --line: #bbb; --accent: #0a58ca; --warning: #8a4b00;
          --c0: #0a58ca; --c1: #b3450b; --c2: #1a7f4b; --c3: #8a3fb0; --c4: #a67c00; --c5: #c2255c; --c6: #0b7285; --c7: #5f6b76;
          --c8: #6d4c2f; --c9: #3b3fa0; --c10: #5c7f0b; --c11: #d0453a; }
        body { font-size: 10pt; max-width: none; padding: 0; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        .cards { grid-template-columns: 1fr 1fr; gap: 8px; }
        .card, tr, .whole, p { break-inside: avoid; }
        h2, h3, .about { break-after: avoid; }
        .rows { break-inside: avoid; }
        .screen { display: none; }
      }
      """)
}
