extension Asset {
    static let exploreScript = #"""
        // Any metric over time; a dot above a line is a request that explains it.

        import { address, again, ask, colors, draw, go, make, narrow, show } from "/script/kit.js";
        import { morph } from "/script/morph.js";

        const spans = [["60", "1 min"], ["300", "5 min"], ["900", "15 min"], ["3600", "1 h"], ["21600", "6 h"], ["86400", "1 day"]];
        const shows = { counter: ["rate"], gauge: ["level"], histogram: ["p99", "p50", "p90", "p999", "mean", "rate"] };

        export async function explorePage(page) {
          const all = (await ask("/api/metrics", { signal: page.signal })).metrics;
          // Of a block the metrics that name it, of a part those that it has; all where that leaves none.
          const [kind, ...rest] = address.get("part").split(":");
          const own = all.filter((metric) => !kind || (rest.length ? metric.labels[kind]?.includes(rest.join(":")) : metric.parts.includes(kind)));
          const metrics = own.length ? own : all;
          if (!metrics.length) return page.main.replaceChildren(make("p", { class: "empty" }, "Nothing was measured yet."));
          const chart = make("section", {});
          const choice = make("select", { "aria-label": "Metric", onchange: (event) => { address.set({ metric: event.target.value, by: "", where: "", show: "" }); controls(); refresh(); } },
            metrics.map((metric) => make("option", {}, metric.name)));
          const more = make("div", { class: "bar" });
          const help = make("p", { class: "quiet" });
          const chosen = () => metrics.find((metric) => metric.name === address.get("metric"))
            ?? metrics.find((metric) => metric.name === "http_server_request_duration_seconds") ?? metrics[0];
          page.main.replaceChildren(make("h1", {}, "Metrics"), make("div", { class: "bar" }, choice), help, more, chart);

          function select(name, options, standard) {
            const value = address.get(name) || standard || "";
            return make("select", { onchange: (event) => {
              address.set({ [name]: event.target.value });
              if (name === "part") window.dispatchEvent(new Event("narrowed"));
              refresh();
            } },
              options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
          }

          function partOptions(metric) {
            const chosen = address.get("part");
            return [["", "all"], ...metric.parts.map((name) => [name, name]), ...(chosen && !metric.parts.includes(chosen) ? [[chosen, chosen]] : [])];
          }

          function controls() {
            const metric = chosen();
            choice.value = metric.name;
            help.textContent = metric.help;
            const labels = Object.keys(metric.labels);
            more.replaceChildren(
              make("label", {}, "show", select("show", shows[metric.kind].map((name) => [name, name]))),
              make("label", {}, "a line for each", select("by", [["", "all together"], ["part", "part"], ["process", "process"], ...labels.map((name) => [name, name])])),
              make("label", {}, "part", select("part", partOptions(metric))),
              ...labels.map((label) => make("label", {}, label, make("select", { onchange: (event) => {
                const others = address.all("where").filter((one) => !one.startsWith(label + ":"));
                address.set({ where: event.target.value ? [...others, `${label}:${event.target.value}`] : others });
                refresh();
              } }, make("option", { value: "" }, "all"), metric.labels[label].map((value) =>
                make("option", { selected: address.all("where").includes(`${label}:${value}`) }, value))))),
              make("label", {}, "last", select("span", spans, "900")));
          }

          async function refresh() {
            const metric = chosen();
            const query = new URLSearchParams({ steps: 120 });
            for (const name of ["show", "by", "part"]) if (address.get(name)) query.set(name, address.get(name));
            for (const one of address.all("where")) if (one) query.append("where", one);
            const to = Number(address.get("at")) || Date.now();
            query.set("to", Math.floor(to));
            query.set("from", Math.floor(to - Number(address.get("span") || 900) * 1000));
            const answer = await ask(`/api/metrics/${encodeURIComponent(metric.name)}?${query}`, { signal: page.signal });
            morph(chart, drawChart(answer));
          }
          controls();
          let isFirst = true;
          await again(page, 2, async () => {
            if (isFirst || !address.get("at")) await refresh();
            isFirst = false;
          });
        }

        export function drawChart(answer) {
          // As wide as it is shown, so that its words have their size.
          const width = narrow.matches ? 400 : answer.isElapsed ? 600 : 1200, height = width < 1000 ? 240 : 320, left = 62, bottom = 24;
          const begin = answer.times[0], end = answer.times.at(-1);
          const step = answer.times.length > 1 ? answer.times[1] - begin : 1e9;
          const exemplars = answer.exemplars.filter((one) => one.time >= begin - step && one.time <= end);
          const values = answer.lines.flatMap((line) => line.values).filter((value) => value !== null && value !== undefined);
          const isTime = answer.unit === "seconds" && exemplars.length > 0 && answer.show !== "rate";
          const top = Math.max(1e-9, ...values, ...(isTime ? exemplars.map((one) => one.value).sort((a, b) => a - b).slice(0, -1) : [])) * 1.08;
          const x = (time) => left + (width - left - 8) * (time - begin) / Math.max(1, end - begin);
          const y = (value) => 8 + (height - bottom - 8) * (1 - Math.min(1, value / top));
          const clockOf = (time) => (answer.isElapsed ? `${(time / 1e9).toFixed(0)} s` : show.clock(time));
          const text = (value) => answer.show === "rate" ? show.rate(value) + "/s" : show.unit(value, answer.unit);
          const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => [
            draw("line", { class: "grid", x1: left, x2: width - 8, y1: y(top * share), y2: y(top * share) }),
            draw("text", { x: left - 6, y: y(top * share) + 4, "text-anchor": "end" }, text(top * share))]);
          const clock = (width < 500 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]).map((share) =>
            draw("text", { x: x(begin + (end - begin) * share), y: height - 6, "text-anchor": share === 1 ? "end" : share ? "middle" : "start" }, clockOf(begin + (end - begin) * share)));
          const lines = answer.lines.map((line, index) => {
            let isDown = false, path = "";
            line.values.forEach((value, place) => {
              if (value === null || value === undefined) { isDown = false; return; }
              path += `${isDown ? "L" : "M"}${x(answer.times[place]).toFixed(1)} ${y(value).toFixed(1)}`;
              isDown = true;
            });
            return draw("path", { class: "line", d: path, stroke: colors[index % colors.length] });
          });
          const dots = !isTime ? [] : exemplars.map((one) => {
            const open = () => go(address.link("/traces/" + one.trace));
            return draw("circle", { class: "exemplar", "data-key": one.trace, cx: x(one.time), cy: y(one.value), r: 4.5, tabindex: 0, role: "link",
              fill: one.failed ? "var(--bad)" : "var(--accent)", "aria-label": `Request ${one.name}, ${show.time(one.value)}`, onclick: open,
              onkeydown: (event) => { if (event.key === "Enter") open(); } }, draw("title", {}, `${one.name} ${show.time(one.value)}`));
          });
          const name = (line) => line.name || answer.name;
          const last = (line) => line.values.findLast((value) => value !== null && value !== undefined);
          return [
            draw("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `${answer.show} of ${answer.name}` }, grid, clock, lines, dots),
            make("ul", { class: "legend" }, answer.lines.map((line, index) => make("li", {},
              draw("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, draw("rect", { width: 10, height: 10, rx: 2, fill: colors[index % colors.length] })),
              `${name(line)} ${last(line) === undefined ? "" : text(last(line))}`)),
              answer.linesLeftOut ? make("li", { class: "quiet" }, `and ${answer.linesLeftOut} more`) : ""),
            dots.length ? make("p", { class: "quiet" }, "A dot is the slowest request that was kept of its step: choose it to open its trace.") : "",
          ];
        }

        """#
}
