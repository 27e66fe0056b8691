extension Asset {
    static let style = #"""
        :root {
          color-scheme: light dark;
          --ink: light-dark(#17202b, #e7ebf0);
          --quiet: light-dark(#56616f, #9aa6b5);
          --paper: light-dark(#f4f6f8, #10151b);
          --card: light-dark(#ffffff, #181f27);
          --line: light-dark(#d9dfe6, #2b3541);
          --accent: light-dark(#0a5fb4, #73b7ff);
          --good: light-dark(#12703a, #5fd08b);
          --warn: light-dark(#8a5200, #f0b355);
          --bad: light-dark(#b3261e, #ff8a80);
          --hot: light-dark(#d9480f, #ff9d5c);
          --track: light-dark(#e6ebf0, #26303b);
        }
        :root[data-theme="light"] { color-scheme: light; }
        :root[data-theme="dark"] { color-scheme: dark; }
        * { box-sizing: border-box; }
        html { scrollbar-gutter: stable; }
        body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
        .skip { position: absolute; left: -99rem; }
        .skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .3rem .8rem; z-index: 9; }
        header { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; align-items: center; padding: .6rem 1.2rem;
          background: var(--card); border-bottom: 1px solid var(--line); }
        .brand { font-weight: 700; color: inherit; text-decoration: none; font-size: 1.05rem; }
        nav { display: flex; flex-wrap: wrap; gap: .1rem; }
        nav a { color: var(--quiet); text-decoration: none; padding: .25rem .7rem; border-radius: .4rem; }
        nav a:hover { color: var(--ink); background: var(--track); }
        nav a[aria-current] { color: var(--ink); background: var(--track); font-weight: 600; }
        #filter:empty { display: none; }
        #tools { margin-left: auto; display: flex; gap: .5rem; align-items: center; }
        main { padding: 1rem 1.2rem 3rem; max-width: 100rem; margin: 0 auto; outline: none; } main:focus-visible { outline: none; }
        h1 { font-size: 1.3rem; margin: .2rem 0 .6rem; }
        h2 { font-size: 1rem; margin: 0 0 .6rem; }
        a { color: var(--accent); }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: .2rem; }
        .quiet, small { color: var(--quiet); }
        .bad { color: var(--bad); } .good { color: var(--good); } .warn { color: var(--warn); }
        code, .mono { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
        section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1.1rem;
          margin: 0 0 1rem; overflow-x: auto; position: relative; }
        table { border-collapse: collapse; width: 100%; }
        th, td { text-align: left; padding: .34rem 1rem .34rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
          font-weight: 400; }
        thead th { color: var(--quiet); font-size: .84rem; white-space: nowrap; }
        tbody th { font-weight: 600; }
        tbody tr:last-child > * { border-bottom: 0; }
        td { font-variant-numeric: tabular-nums; }
        .nowrap { white-space: nowrap; }
        .num { text-align: right; white-space: nowrap; }
        tr.link { cursor: pointer; } tr.link:hover { background: color-mix(in srgb, var(--accent) 7%, transparent); }
        button, select, input { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
          border-radius: .4rem; padding: .25rem .6rem; }
        button { cursor: pointer; } button:hover { border-color: var(--accent); }
        button[aria-pressed="true"] { border-color: var(--accent); color: var(--accent); }
        input[type="checkbox"], input[type="radio"] { width: 1.5rem; height: 1.5rem; padding: 0; margin: 0; accent-color: var(--accent); }
        input[type="range"] { padding: 0; min-height: 1.6rem; accent-color: var(--accent); }
        .bar { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; margin: 0 0 .8rem; }
        .bar label { display: flex; gap: .4rem; align-items: center; color: var(--quiet); }
        .bar input[type="number"] { width: 6.5rem; } .bar input[size] { width: auto; }
        .bar input[type="search"] { min-width: 16rem; flex: 1 1 16rem; max-width: 32rem; }
        .state { display: inline-block; padding: 0 .5rem; border-radius: 1rem; background: var(--track); font-size: .86rem; }
        .state.ready { color: var(--good); } .state.waiting, .state.failed { color: var(--bad); }
        .state.starting, .state.draining { color: var(--warn); }
        .meter { display: inline-block; width: 6rem; height: .55rem; border-radius: 1rem; background: var(--track);
          overflow: hidden; vertical-align: middle; margin-right: .5rem; }
        .meter svg { display: block; width: 100%; height: 100%; }
        #time { padding: .5rem 1.2rem; border-bottom: 1px solid var(--line); display: flex; gap: .8rem; align-items: center; }
        #time input { flex: 1; } #time:empty { display: none; }
        #time output { min-width: 12rem; font-variant-numeric: tabular-nums; }
        #time.past { background: color-mix(in srgb, var(--warn) 14%, var(--paper)); }
        #notice { position: fixed; right: 1rem; bottom: 1rem; max-width: 30rem; background: var(--ink); color: var(--paper);
          padding: .6rem 1rem; border-radius: .5rem; } #notice:empty { display: none; }
        .problems { border-color: var(--bad); color: var(--bad); }
        .columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .6rem 1rem; margin: 0; }
        .columns div { margin: 0; } dt { color: var(--quiet); font-size: .84rem; } dd { margin: 0; font-size: 1.15rem;
          font-variant-numeric: tabular-nums; }
        fieldset { border: 0; padding: 0; margin: 0; } .bar > fieldset { margin: 0; }
        .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
        button.main { background: var(--accent); border-color: var(--accent); color: var(--paper); font-weight: 600; }
        [inert] { opacity: .55; } [hidden] { display: none !important; }
        progress { accent-color: var(--accent); width: 8rem; } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0 0; }
        .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(28rem, 100%), 1fr)); gap: 1rem; margin: .8rem 0; }
        h3 { font-size: .95rem; margin: 1rem 0 .2rem; }
        .empty { color: var(--quiet); padding: 1.2rem 0; }
        dialog { background: var(--card); color: inherit; border: 1px solid var(--line); border-radius: .6rem; padding: 1.2rem;
          min-width: min(28rem, 92vw); }
        dialog::backdrop { background: #0008; }
        dialog form { display: grid; gap: .8rem; } dialog label { display: grid; gap: .2rem; }
        dialog menu { display: flex; justify-content: flex-end; gap: .6rem; padding: 0; margin: 0; }
        kbd { border: 1px solid var(--line); border-radius: .25rem; padding: 0 .35rem; background: var(--track); }

        .picture { width: 100%; height: auto; display: block; margin: 0 auto; }
        .node { cursor: pointer; } .node:focus { outline: none; }
        .node .box { fill: var(--card); stroke: var(--line); stroke-width: 1.5; }
        .node.busiest .box { stroke: var(--hot); stroke-width: 2.5; }
        .node.down .box { stroke: var(--bad); stroke-dasharray: 5 3; }
        .node.chosen .box { fill: color-mix(in srgb, var(--accent) 12%, var(--card)); stroke: var(--accent); stroke-width: 2.5; }
        .node:hover .box, .node:focus-visible .box { stroke: var(--accent); stroke-width: 2.5; }
        .node text { fill: var(--ink); font: 13px system-ui, sans-serif; }
        .node .title { font-weight: 650; font-size: 14px; }
        .node .sub { fill: var(--quiet); font-size: 11.5px; }
        .node .track { fill: var(--track); } .node .use { fill: var(--accent); }
        .node.busiest .use { fill: var(--hot); } .node .dot { fill: var(--good); } .node .dot.off { fill: var(--bad); }
        .arrow { cursor: pointer; color: var(--quiet); } .arrow path { fill: none; stroke: var(--quiet); opacity: .55; }
        .arrow .reach { stroke: transparent; stroke-width: 14; }
        .arrow.troubled path:not(.reach) { stroke: var(--bad); opacity: .9; }
        .arrow.idle path { stroke-dasharray: 3 4; opacity: .35; }
        .node.dim { opacity: .3; } .arrow.dim path { opacity: .12; } .arrow.dim { pointer-events: none; }
        .label text { fill: var(--ink); font: 12px system-ui, sans-serif; text-anchor: middle; paint-order: stroke;
          stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; font-variant-numeric: tabular-nums; }
        .label .sub { fill: var(--quiet); font-size: 11.5px; } .label .some { font-style: italic; }
        .label .trouble { fill: var(--bad); font-weight: 650; }
        .gone, .label.short .sub, .label.short .trouble, .label.idle .sub { display: none; }
        .arrow:focus { outline: none; } .arrow:focus-visible path:not(.reach), .arrow:hover path:not(.reach) { stroke: var(--accent); opacity: 1; }
        .detail { pointer-events: none; } .detail .box { fill: var(--ink); }
        .detail text { fill: var(--paper); font: 12px system-ui, sans-serif; } .detail .title { font-weight: 650; }
        .hint { font-size: .84rem; margin: .6rem 0 0; }
        .chip { border-color: var(--accent); color: var(--accent); border-radius: 1rem; padding: .1rem .7rem; }
        .bar.chosen { padding: .1rem .2rem; }

        .waterfall { width: 100%; border-collapse: collapse; }
        .waterfall td { padding: .12rem .6rem .12rem 0; border: 0; }
        .waterfall tr:hover { background: color-mix(in srgb, var(--accent) 7%, transparent); }
        .waterfall .lane { width: 45%; min-width: 16rem; } .waterfall svg { display: block; width: 100%; height: 1.2rem; }
        .waterfall .name { white-space: nowrap; } .waterfall details { display: inline-block; vertical-align: top; }
        .chart { width: 100%; height: auto; display: block; }
        .settings td:nth-child(2) { min-width: 11rem; } .settings td:nth-child(4) { min-width: 10rem; }
        .chart text { fill: var(--quiet); font: 11px system-ui, sans-serif; } .chart .grid { stroke: var(--line); }
        .chart .line { fill: none; stroke-width: 1.8; vector-effect: non-scaling-stroke; }
        .chart .exemplar { cursor: pointer; stroke: var(--card); stroke-width: 1.5; }
        .legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: 0; margin: .4rem 0 0; list-style: none; font-size: .88rem; }
        .legend svg { width: .9rem; height: .9rem; vertical-align: -.1rem; margin-right: .3rem; }
        .lines { font: 13px/1.5 ui-monospace, monospace; width: 100%; }
        .lines td { padding: .08rem .8rem .08rem 0; border: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
        .lines td:first-child { white-space: nowrap; color: var(--quiet); }
        .lines .error td:nth-child(2) { color: var(--bad); } .lines .warning td:nth-child(2) { color: var(--warn); }
        .narrow-only { display: none; }
        @media (max-width: 44rem) {
          header, main, #time { padding-left: .7rem; padding-right: .7rem; }
          header { gap: .3rem .6rem; } nav { order: 3; flex: 1 0 100%; flex-wrap: nowrap; overflow-x: auto; }
          nav a { padding: .25rem .55rem; } #time { flex-wrap: wrap; gap: .2rem .6rem; } #time input { flex: 1 1 8rem; }
          #time output { min-width: 0; } section { padding: .7rem .8rem; } .bar select, .bar input { max-width: 100%; min-width: 0; }
          .bar label { min-width: 0; } .wide-only { display: none; } .narrow-only { display: initial; }
          .lines tr { display: block; padding: .25rem 0; border-bottom: 1px solid var(--line); } .lines td { display: inline; padding: 0; margin-right: .6rem; }
          th, td { padding-right: .7rem; } .meter { width: 3.5rem; } .waterfall .lane { min-width: 8rem; }
        }
        @media (prefers-reduced-motion: reduce) { * { transition: none !important; } }

        """#
}
